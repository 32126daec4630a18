package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A machine that shares and one that mounts, side by side: real commands, real daemons, kept apart
 * by their WORMHOLE_HOME. Everything they started is gone after {@link #close}.
 */
final class TwoMachines implements AutoCloseable {
  /** The mount's deadline, and what a loaded machine may be late by. */
  static final Duration NOBODY_HANGS = Duration.ofSeconds(45);

  private static final long COMMAND_SECONDS = 60;
  private static final int MAX_LINES = 100_000;

  private final Path home;
  private final Path sharing;
  private final Path mounting;
  private final @Nullable Cable cable;
  private final List<Process> running = new ArrayList<>();
  private final List<Path> others = new ArrayList<>();

  /** What a command came to. */
  record Outcome(int exit, String out, String err) {
    /** The value of a string in the JSON that was printed. */
    String json(String key) {
      Matcher value = Pattern.compile("\"" + key + "\"\\s*:\\s*\"([^\"]*)\"").matcher(out);
      assertThat(value.find()).as("'%s' in %s %s", key, out, err).isTrue();
      return value.group(1);
    }
  }

  /** A share that is served as long as its command runs. */
  record Shared(Process command, String code, String address, String ticket) {}

  TwoMachines(Path home) throws IOException {
    this(home, null);
  }

  /**
   * @param cable what joins them, each in a network namespace of its own; null for one machine's
   *     loopback
   */
  TwoMachines(Path home, @Nullable Cable cable) throws IOException {
    this.cable = cable;
    this.home = home;
    this.sharing = machine(home.resolve("sharing"));
    this.mounting = machine(home.resolve("mounting"));
  }

  /** Its tests are nobody's business on the network that this machine is really on. */
  private static Path machine(Path home) throws IOException {
    Path config = Files.createDirectories(home.resolve("config")).resolve("config.toml");
    Files.writeString(config, "discovery.mdns = false\n");
    return home;
  }

  Path sharing() {
    return sharing;
  }

  Path mounting() {
    return mounting;
  }

  /** One more machine, with a daemon of its own. */
  Path another(String name) throws IOException {
    Path machine = machine(home.resolve(name));
    others.add(machine);
    return machine;
  }

  /** Runs a command on the machine that shares. */
  Outcome onSharing(String... args) throws IOException, InterruptedException {
    return on(sharing, args);
  }

  /** Runs a command on the machine that mounts. */
  Outcome onMounting(String... args) throws IOException, InterruptedException {
    return on(mounting, args);
  }

  /** Runs a command on any machine. */
  Outcome on(Path machine, String... args) throws IOException, InterruptedException {
    return finish(wormhole(machine, args));
  }

  /** Shares a folder, and waits for its code. */
  Shared host(Path folder, String... options) throws IOException, InterruptedException {
    return hostOn(sharing, folder, options);
  }

  /** The same on either machine. */
  Shared hostOn(Path machine, Path folder, String... options)
      throws IOException, InterruptedException {
    List<String> args = new ArrayList<>(List.of("host", folder.toString(), "--json"));
    args.addAll(List.of(options));
    if (!args.contains("--bind")) {
      args.addAll(List.of("--bind", (cable == null ? "127.0.0.1" : Cable.SHARING) + ":0"));
    }
    Process command = wormhole(machine, args.toArray(String[]::new)).start();
    running.add(command);
    Outcome first = new Outcome(0, firstLine(command), "");
    return new Shared(command, first.json("code"), first.json("address"), first.json("ticket"));
  }

  /** Mounts a share at a new folder. */
  Path mount(Shared shared, String name, String... options)
      throws IOException, InterruptedException {
    return mountOn(mounting, shared, name, options);
  }

  /** The same on any machine. */
  Path mountOn(Path machine, Shared shared, String name, String... options)
      throws IOException, InterruptedException {
    Path at = Files.createDirectories(home.resolve(name));
    List<String> arguments = new ArrayList<>(List.of(options));
    arguments.addAll(0, List.of("mount", shared.code(), at.toString(), "--peer", shared.address()));
    Outcome outcome = on(machine, arguments.toArray(String[]::new));
    assertThat(outcome.exit()).as(outcome.toString()).isZero();
    return at;
  }

  /** The process id of a machine's daemon. */
  static long daemonPid(Path machine) throws IOException {
    return Long.parseLong(Files.readString(machine.resolve("run/daemon.pid")).strip());
  }

  /** Sends a machine's daemon a signal that ends it, and waits for its end. */
  static void endDaemon(Path machine, String signal) throws IOException, InterruptedException {
    ProcessHandle daemon = ProcessHandle.of(daemonPid(machine)).orElseThrow();
    assertThat(run("kill", "-" + signal, Long.toString(daemon.pid())).exit()).isZero();
    Await.end(daemon, NOBODY_HANGS);
  }

  /** Waits until a file of a mount can be read: it was mounted again in the background. */
  static void awaitContent(Path file, String content) throws IOException, InterruptedException {
    var _ =
        Await.until(
            NOBODY_HANGS, () -> run("cat", file.toString()), read -> read.out().equals(content));
  }

  /** The kernel's table of mounts, as text. */
  static String mountTable() throws IOException {
    return Files.readString(Path.of("/proc/self/mountinfo"));
  }

  /** Runs any program to its end. */
  static Outcome run(String... command) throws IOException, InterruptedException {
    return finish(new ProcessBuilder(command));
  }

  ProcessBuilder wormhole(Path machine, String... args) {
    // Who runs the tests in the background has children that ignore INT and HUP.
    List<String> command = new ArrayList<>(List.of("env", "--default-signal"));
    if (cable != null) {
      command.addAll(cable.at(machine.equals(sharing)));
    }
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            System.getProperty("java.class.path"),
            "io.wormhole.cli.Main"));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command);
    Map<String, String> environment = builder.environment();
    environment.put("WORMHOLE_HOME", machine.toString());
    environment.put("LC_ALL", "C.UTF-8");
    return builder;
  }

  private static String firstLine(Process command) throws IOException, InterruptedException {
    BlockingQueue<String> lines = new ArrayBlockingQueue<>(MAX_LINES);
    Thread.ofVirtual()
        .start(() -> {
          try (BufferedReader reader =
              new BufferedReader(
                  new InputStreamReader(command.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
              lines.offer(line);
            }
          } catch (IOException ended) {
            lines.offer("");
          }
        });
    String line = lines.poll(COMMAND_SECONDS, TimeUnit.SECONDS);
    assertThat(line).as("first line of the host command").isNotNull();
    return line;
  }

  private static Outcome finish(ProcessBuilder builder) throws IOException, InterruptedException {
    Path out = Files.createTempFile("wormhole-out", "");
    Path err = Files.createTempFile("wormhole-err", "");
    try {
      Process process =
          builder
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .redirectOutput(out.toFile())
              .redirectError(err.toFile())
              .start();
      boolean ended = process.waitFor(2 * COMMAND_SECONDS, TimeUnit.SECONDS);
      if (!ended) {
        process.destroyForcibly();
      }
      Outcome outcome =
          new Outcome(
              ended ? process.exitValue() : -1,
              Files.readString(out, StandardCharsets.ISO_8859_1),
              Files.readString(err, StandardCharsets.ISO_8859_1));
      assertThat(ended).as("%s ended: %s", builder.command(), outcome).isTrue();
      return outcome;
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }

  @Override
  public void close() throws IOException {
    try {
      for (Process process : running) {
        process.destroy();
        process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS);
      }
      others.addAll(List.of(mounting, sharing));
      for (Path machine : others) {
        finish(wormhole(machine, "unmount", "--all", "--force"));
        finish(wormhole(machine, "daemon", "stop"));
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
