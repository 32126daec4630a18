package io.wormhole.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.wormhole.daemon.control.ControlServer;
import io.wormhole.daemon.control.DaemonStop;
import io.wormhole.daemon.control.RuntimeFolder;
import io.wormhole.protocol.control.Folders;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands and daemons as processes of their own. */
@Timeout(120)
class ProcessTest {
  private static final long SECONDS = 60;

  @TempDir Path home;

  @Test
  void twoFirstCommandsStartOneDaemonThatOutlivesThemAndEndsInOrder() throws Exception {
    Process one = start("daemon", "start", "--json");
    Process two = start("daemon", "start", "--json");
    JsonNode first = json(one);
    JsonNode second = json(two);
    ProcessHandle daemon = ProcessHandle.of(first.path("pid").asLong()).orElseThrow();
    try {
      assertThat(second.path("pid").asLong()).isEqualTo(daemon.pid());
      assertThat(session(daemon.pid())).isEqualTo(daemon.pid());
      assertThat(Files.readString(folders().pidFile()).strip()).isEqualTo("" + daemon.pid());
      assertThat(Files.readSymbolicLink(Path.of("/proc/" + daemon.pid() + "/cwd")))
          .isEqualTo(Path.of("/"));
      assertThat(Files.readSymbolicLink(Path.of("/proc/" + daemon.pid() + "/fd/0")))
          .isEqualTo(Path.of("/dev/null"));

      assertThat(Files.getPosixFilePermissions(folders().state())).hasSize(3);

      // A hangup is ignored: the answer after it comes from the same process.
      signal("HUP", daemon);
      assertThat(json(start("daemon", "status", "--json")).path("pid").asLong())
          .isEqualTo(daemon.pid());

      Process third = start("daemon", "run");
      assertThat(third.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(third.exitValue()).isEqualTo(1);
      assertThat(new String(third.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
          .contains("runs already as process " + daemon.pid());
    } finally {
      signal("TERM", daemon);
      daemon.onExit().get(SECONDS, TimeUnit.SECONDS);
    }
    assertThat(folders().socket()).doesNotExist();
    assertThat(folders().pidFile()).doesNotExist();
    assertThat(Files.readString(folders().log())).contains("the daemon ends: a signal");
  }

  @Test
  void aRelativeHomeIsTheSameToCommandsAndToTheDaemon() throws Exception {
    Path other = Files.createDirectories(home.resolve("other"));
    long daemon = json(startIn("other", "daemon", "start", "--json")).path("pid").asLong();
    try {
      Folders folders = Folders.of(Map.of("WORMHOLE_HOME", other.toString()), home);
      assertThat(Files.readString(folders.pidFile()).strip()).isEqualTo("" + daemon);
      JsonNode status = json(startIn("other/../other", "status", "--json"));
      assertThat(status.path("daemon").path("pid").asLong()).isEqualTo(daemon);
    } finally {
      Process stop = startIn("other", "daemon", "stop");
      assertThat(stop.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(ProcessHandle.of(daemon)).matches(ProcessTest::isGone);
  }

  @Test
  void killedDaemonLeavesNothingInTheWayOfTheNext() throws Exception {
    Process first = start("daemon", "run");
    awaitPidFile(first);
    killTree(first);
    assertThat(folders().socket()).exists();

    JsonNode next = json(start("daemon", "start", "--json"));
    assertThat(next.path("running").asBoolean()).isTrue();
    Process stop = start("daemon", "stop");
    assertThat(stop.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(stop.exitValue()).isZero();
    assertThat(ProcessHandle.of(next.path("pid").asLong())).matches(ProcessTest::isGone);
  }

  @Test
  void daemonThatCannotStartSaysWhyAtOnce() throws Exception {
    Files.createDirectories(home.resolve("state/logs"));
    Files.createDirectory(folders().daemonLock());

    Process start = start("daemon", "start");

    String said = new String(start.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(start.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(start.exitValue()).isEqualTo(1);
    assertThat(said).contains("the daemon did not start", "daemon.lock").hasLineCount(1);
  }

  @Test
  void daemonOfSettingsThatMakeNoSenseNamesTheLine() throws Exception {
    Files.createDirectories(home.resolve("config"));
    Files.writeString(home.resolve("config/config.toml"), "discovery.mdns = 1\n");

    Process start = start("daemon", "start");

    String said = new String(start.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(start.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(start.exitValue()).isEqualTo(1);
    assertThat(said)
        .contains("config.toml sets discovery.mdns to 1", "true or false")
        .hasLineCount(1);
  }

  @Test
  void daemonOfAnIdentityThatOthersCanReadSaysHowToMendIt() throws Exception {
    Files.createDirectories(home.resolve("state"));
    Path identity = Files.createFile(home.resolve("state/identity.p8"));
    Files.setPosixFilePermissions(identity, PosixFilePermissions.fromString("rw-r--r--"));

    Process start = start("daemon", "start");

    String said = new String(start.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(start.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(said).contains("may read or write " + identity, "chmod 600").hasLineCount(1);
  }

  /** Were the folder's and the socket's modes not in the way, the kernel's word on who asks is. */
  @Test
  void anotherUserIsNotAnswered() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "not root: cannot be another user");
    try (RuntimeFolder runtime = RuntimeFolder.claim(folders());
        ControlServer server =
            ControlServer.open(
                runtime.socket(), new SampleServices(), new DaemonStop(), Clock.systemUTC())) {
      for (Path open : List.of(home, folders().run(), server.path())) {
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
      }
      String stranger = ask("65534", server.path());
      assertThat(stranger).startsWith("HTTP/1.1 403").contains("another user's: root");
      assertThat(stranger).doesNotContain("sample");
      assertThat(ask("0", server.path())).startsWith("HTTP/1.1 200").contains("sample");
    }
  }

  private static String ask(String user, Path socket) throws Exception {
    String script =
        "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die $!;"
            + " print $s qq(GET /v1/status HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n); $s->flush;"
            + " print while <$s>;";
    Process process =
        new ProcessBuilder(
                "setpriv",
                "--reuid=" + user,
                "--regid=" + user,
                "--clear-groups",
                "perl",
                "-e",
                script,
                socket.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    return said;
  }

  @Test
  void shareEndsWithItsOwnerHoweverTheOwnerEnds() throws Exception {
    SampleServices services = new SampleServices();
    DaemonStop stop = new DaemonStop();
    Path shared = Files.createDirectory(home.resolve("grüße"));
    try (RuntimeFolder runtime = RuntimeFolder.claim(folders());
        ControlServer server =
            ControlServer.open(runtime.socket(), services, stop, Clock.systemUTC())) {
      assertThat(server.path()).exists();
      Process killed = start("host", shared.toString(), "--json");
      assertThat(firstLine(killed)).contains(SampleServices.CODE);
      killed.destroyForcibly();
      assertThat(services.left.poll(SECONDS, TimeUnit.SECONDS)).isEqualTo(shared.toString());

      // Ctrl-C, a terminal that is closed, and a polite kill.
      for (String signal : List.of("INT", "HUP", "TERM")) {
        Process ended = start("host", shared.toString());
        assertThat(firstLine(ended)).contains("grüße");
        signal(signal, ended.toHandle());
        assertThat(services.left.poll(SECONDS, TimeUnit.SECONDS)).isEqualTo(shared.toString());
        assertThat(ended.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(ended.exitValue()).as(signal).isZero();
      }

      Process detached = start("host", shared.toString(), "-d");
      assertThat(firstLine(detached)).contains("grüße");
      assertThat(detached.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(detached.exitValue()).isZero();
      assertThat(services.left).isEmpty();
      stop.request("the test is over");
    }
  }

  private Folders folders() {
    return Folders.of(Map.of("WORMHOLE_HOME", home.toString()), home);
  }

  /** As the launcher starts it, in a bare environment, but for the folder of jars. */
  private Process start(String... args) throws IOException {
    return startIn(home.toString(), args);
  }

  private Process startIn(String wormholeHome, String... args) throws IOException {
    // Who runs the tests in the background has children that ignore INT and HUP.
    List<String> command = new ArrayList<>(List.of("env", "--default-signal"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).directory(home.toFile());
    builder.environment().clear();
    builder.environment().putAll(Map.of("WORMHOLE_HOME", wormholeHome, "LC_ALL", "C.UTF-8"));
    return builder.start();
  }

  private static JsonNode json(Process process) throws Exception {
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String trouble = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(said + trouble).isZero();
    return new ObjectMapper().readTree(said);
  }

  private static String firstLine(Process process) throws IOException {
    StringBuilder line = new StringBuilder();
    InputStreamReader reader =
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8);
    for (int c; (c = reader.read()) >= 0 && c != '\n'; ) {
      line.append((char) c);
    }
    return line.toString();
  }

  /** The daemon says that it listens in its log, which {@code daemon run} shows on stderr. */
  private void awaitPidFile(Process daemon) throws IOException {
    BufferedReader log =
        new BufferedReader(new InputStreamReader(daemon.getErrorStream(), StandardCharsets.UTF_8));
    for (String line; (line = log.readLine()) != null && !line.contains("runs as process"); ) {
      assertThat(line).doesNotContain("ERROR");
    }
    assertThat(folders().pidFile()).exists();
  }

  private static boolean isGone(Optional<ProcessHandle> process) {
    return process.isEmpty() || ProcessEnd.hasEnded(process.get());
  }

  private static void killTree(Process command) throws Exception {
    List<ProcessHandle> children = command.children().toList();
    assertThat(children).hasSize(1);
    for (ProcessHandle child : children) {
      child.destroyForcibly();
      child.onExit().get(SECONDS, TimeUnit.SECONDS);
    }
    assertThat(command.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  private static void signal(String name, ProcessHandle process) throws Exception {
    Process kill =
        new ProcessBuilder("/bin/kill", "-" + name, "" + process.pid()).inheritIO().start();
    assertThat(kill.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  /** The sixth field of proc_pid_stat(5); the second, in brackets, is a name. */
  private static long session(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
    return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[3]);
  }
}
