package io.wormhole.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.wormhole.daemon.control.ControlServer;
import io.wormhole.daemon.control.DaemonStop;
import io.wormhole.daemon.control.RuntimeFolder;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.Folders;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.control.MountRequest;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.net.DatagramSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands against a control socket with services that answer from a script. */
@Timeout(60)
class CommandTest {
  private static final long SECONDS = 20;

  @TempDir Path home;

  private final SampleServices services = new SampleServices();
  private final DaemonStop stop = new DaemonStop();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private InputStream input = InputStream.nullInputStream();
  private RuntimeFolder runtime;
  private ControlServer server;

  @BeforeEach
  void listen() throws Exception {
    Folders folders = Folders.of(environment(), home);
    runtime = RuntimeFolder.claim(folders);
    server = ControlServer.open(runtime.socket(), services, stop, Clock.systemUTC());
  }

  @AfterEach
  void close() throws Exception {
    stop.request("the test is over");
    server.close();
    runtime.close();
  }

  @Test
  void statusIsTheJsonThatScriptsKnow() throws Exception {
    assertThat(run("status", "--json")).isZero();

    JsonNode status = new ObjectMapper().readTree(out());
    assertThat(status.path("daemon").path("pid").asLong()).isEqualTo(ProcessHandle.current().pid());
    assertThat(names(status.path("daemon")))
        .containsExactlyInAnyOrder("pid", "version", "uptimeSeconds", "rssBytes");
    assertThat(names(status.path("shares").path(0)))
        .containsExactlyInAnyOrder(
            "name",
            "directory",
            "shareId",
            "address",
            "writable",
            "expiresAt",
            "detached",
            "peers");
    assertThat(names(status.path("shares").path(0).path("peers").path(0)))
        .containsExactlyInAnyOrder(
            "name",
            "fingerprint",
            "path",
            "rttMillis",
            "lossPercent",
            "controller",
            "windowBytes",
            "bytesPerSecond",
            "requestsPerSecond");
    JsonNode mount = status.path("mounts").path(0);
    assertThat(names(mount))
        .containsExactlyInAnyOrder(
            "name",
            "directory",
            "shareId",
            "fingerprint",
            "state",
            "path",
            "carrier",
            "rttMillis",
            "lossPercent",
            "controller",
            "windowBytes",
            "bytesPerSecond",
            "backend",
            "backendReason",
            "pendingWriteBytes",
            "lastError");
    assertThat(mount.path("state").asText()).isEqualTo("connected");
    assertThat(names(status.path("cache"))).containsExactlyInAnyOrder("ram", "disk", "network");
    assertThat(names(status.path("cache").path("ram")))
        .containsExactlyInAnyOrder(
            "limitBytes", "usedBytes", "chunks", "hits", "misses", "evictions");
    assertThat(names(status.path("cache").path("network")))
        .containsExactlyInAnyOrder("chunks", "bytes", "groups", "rejected");
  }

  @Test
  void statusForPeopleShowsNoControlCharactersOfPeers() throws Exception {
    assertThat(run("status")).isZero();

    assertThat(out())
        .contains("sample", "/mnt/other", "connected", "75 % hits", "evil?[31m?name")
        .doesNotContain("\u001b");
  }

  @Test
  void hostPrintsWhatTheOtherMachineNeedsAndEndsWithTheDaemon() throws Exception {
    Path shared = Files.createDirectory(home.resolve("grüße"));
    CompletableFuture<Integer> command = start("host", shared.toString(), "--name", "n");

    HostRequest request = services.hosted.poll(SECONDS, TimeUnit.SECONDS);
    assertThat(request).isEqualTo(HostRequest.of(shared.toString(), "n", null));
    awaitOut("the code 0000-****-**** has ended: it has expired.");
    stop.request("a test");

    assertThat(command.get(SECONDS, TimeUnit.SECONDS)).isEqualTo(1);
    assertThat(services.left.poll(SECONDS, TimeUnit.SECONDS)).isEqualTo(shared.toString());
    assertThat(out())
        .contains(SampleServices.CODE, "192.0.2.1:4747", "\"sample\"", "grüße")
        .contains("wormhole mount " + SampleServices.CODE + " --peer 192.0.2.1:4747")
        .contains("not shown", "/proc", "ticket   " + SampleServices.TICKET)
        .containsPattern("until 2026-0[23]-\\d\\d \\d\\d:\\d\\d")
        .contains("The share has ended: the daemon ends.")
        .doesNotContain("\u001b");
  }

  @Test
  void hostHandsOnWhatIsExcludedInOrder() throws Exception {
    CompletableFuture<Integer> command =
        start("host", home.toString(), "--exclude", "*.key", "--exclude=!keep.key");

    HostRequest request = services.hosted.poll(SECONDS, TimeUnit.SECONDS);
    assertThat(request).isNotNull();
    assertThat(request.excludes()).containsExactly("*.key", "!keep.key");
    stop.request("a test");
    assertThat(command.get(SECONDS, TimeUnit.SECONDS)).isEqualTo(1);
  }

  @Test
  void firstJsonLineOfHostHoldsTheCode() throws Exception {
    PipedInputStream read = new PipedInputStream(1 << 16);
    PrintStream piped = new PrintStream(new PipedOutputStream(read), true, StandardCharsets.UTF_8);
    CompletableFuture<Integer> command =
        CompletableFuture.supplyAsync(
            () -> CommandTree.execute(session(piped), "host", home.toString(), "--json"),
            Thread::startVirtualThread);

    BufferedReader lines = new BufferedReader(new InputStreamReader(read, StandardCharsets.UTF_8));
    JsonNode first = new ObjectMapper().readTree(lines.readLine());
    assertThat(first.path("code").asText()).isEqualTo(SampleServices.CODE);
    assertThat(first.path("ticket").asText()).isEqualTo(SampleServices.TICKET);
    assertThat(names(first)).contains("ticket", "address", "share", "event", "expiresAt");
    JsonNode second = new ObjectMapper().readTree(lines.readLine());
    assertThat(second.path("event").asText()).isEqualTo("peer-connected");
    JsonNode ended = new ObjectMapper().readTree(lines.readLine());
    assertThat(ended.path("event").asText()).isEqualTo("code-ended");
    JsonNode third = new ObjectMapper().readTree(lines.readLine());
    assertThat(third.path("event").asText()).isEqualTo("throughput");
    assertThat(third.path("bytesPerSecond").asLong()).isEqualTo(2_500_000);

    stop.request("a test");
    assertThat(command.get(SECONDS, TimeUnit.SECONDS)).isEqualTo(1);
  }

  @Test
  void detachedShareOutlivesItsCommand() throws Exception {
    assertThat(run("host", home.toString(), "-d", "--only-new")).isZero();
    assertThat(out())
        .contains(SampleServices.CODE, "192.0.2.1:4747", "2 peers may come back", "--stop");
    HostRequest request = services.hosted.poll(SECONDS, TimeUnit.SECONDS);
    assertThat(request).isNotNull();
    assertThat(request.detached()).isTrue();
    assertThat(request.onlyNew()).isTrue();

    assertThat(run("host", home.toString(), "-d", "--json")).isZero();
    assertThat(new ObjectMapper().readTree(out()).path("code").asText())
        .isEqualTo(SampleServices.CODE);
    assertThat(services.left).isEmpty();

    assertThat(run("host", home.toString(), "--stop")).isZero();
    assertThat(services.left).containsExactly("stop " + home + " " + home);
  }

  @Test
  void peersAreListedForgottenRenamedAndSentAway() throws Exception {
    assertThat(run("peers", "list")).isZero();
    assertThat(out())
        .contains("evil?[31m?name (abababababab)", "\"sample\"", "last seen 2026-05-02 12:34 UTC")
        .contains("\"films\" of 121212121212", "192.0.2.1:4747", "mounted")
        .doesNotContain("\u001b");

    assertThat(run("peers", "list", "--json")).isZero();
    JsonNode peers = new ObjectMapper().readTree(out());
    assertThat(names(peers.path("peers").path(0)))
        .containsExactlyInAnyOrder(
            "name",
            "fingerprint",
            "share",
            "shareId",
            "writable",
            "firstSeen",
            "lastSeen",
            "connected");
    assertThat(names(peers.path("hosts").path(0)))
        .containsExactlyInAnyOrder(
            "name",
            "fingerprint",
            "share",
            "shareId",
            "addresses",
            "firstSeen",
            "lastSeen",
            "mounted");

    assertThat(run("peers", "forget", "films")).isZero();
    assertThat(run("peers", "revoke", "abab")).isZero();
    assertThat(run("peers", "rename", "abab", "Ann")).isZero();
    assertThat(services.left).containsExactly("forget films", "revoke abab", "rename abab Ann");
    assertThat(run("peers", "revoke", "nobody")).isEqualTo(3);
    assertThat(err()).contains("wormhole: nobody is known; look");
  }

  @Test
  void codeAndItsLifeAreTheOwnersToChoose() throws Exception {
    for (List<String> life :
        List.of(
            List.of("45s", "45"),
            List.of("30m", "1800"),
            List.of("24h", "86400"),
            List.of("7D", "604800"))) {
      CompletableFuture<Integer> command =
          start(
              "host",
              home.toString(),
              "--code",
              "oooo00000000",
              "--once",
              "--expire",
              life.getFirst());
      HostRequest request = services.hosted.poll(SECONDS, TimeUnit.SECONDS);
      assertThat(request).isNotNull();
      assertThat(request.code()).isEqualTo(SampleServices.CODE);
      assertThat(request.once()).isTrue();
      assertThat(request.expireSeconds()).isEqualTo(Long.parseLong(life.getLast()));
      assertThat(request.toString()).doesNotContain(SampleServices.CODE);
      command.cancel(true);
    }
  }

  @Test
  void folderThatCannotBeSharedIsNamed() throws Exception {
    Path file = Files.createFile(home.resolve("file"));

    assertThat(run("host", home.resolve("nowhere").toString())).isEqualTo(1);
    assertThat(err()).contains("no such folder: " + home.resolve("nowhere")).hasLineCount(1);
    assertThat(run("host", file.toString(), "--json")).isEqualTo(1);
    JsonNode error = new ObjectMapper().readTree(out()).path("error");
    assertThat(error.path("kind").asText()).isEqualTo("not-a-folder");
    assertThat(names(error)).containsExactlyInAnyOrder("kind", "message", "next");
    assertThat(services.hosted).isEmpty();
  }

  @Test
  void mountAsksForTheDefaultFolderBelowTheUsersHome() throws Exception {
    assertThat(
            run(
                "mount",
                "oooo 0000 0000",
                "--peer",
                "[::1]:4747",
                "--ram",
                "64M",
                "--allow-other",
                "--fuse",
                "jnr",
                "--json"))
        .isZero();

    assertThat(services.mounted.poll(SECONDS, TimeUnit.SECONDS))
        .isEqualTo(
            new MountRequest(
                SampleServices.CODE,
                null,
                home.resolve("Wormhole").toString(),
                "[::1]:4747",
                64L << 20,
                null,
                false,
                true,
                "jnr"));
    assertThat(names(new ObjectMapper().readTree(out())))
        .containsExactlyInAnyOrder("name", "directory", "shareId", "backend", "offline");
  }

  @Test
  void codeComesFromStandardInputOrAFile() throws Exception {
    Path directory = Files.createDirectory(home.resolve("empty"));
    Path file = Files.writeString(home.resolve("code"), SampleServices.CODE + "\n");
    input = new ByteArrayInputStream((SampleServices.CODE + "\n").getBytes(StandardCharsets.UTF_8));

    assertThat(run("mount", "-", directory.toString())).isZero();
    assertThat(run("mount", "--code-file", file.toString(), directory.toString())).isZero();

    for (int i = 0; i < 2; i++) {
      MountRequest request = services.mounted.poll(SECONDS, TimeUnit.SECONDS);
      assertThat(request).isNotNull();
      assertThat(request.code()).isEqualTo(SampleServices.CODE);
      assertThat(request.directory()).isEqualTo(directory.toString());
    }
  }

  @Test
  void ticketIsTakenWhereACodeIs() throws Exception {
    Path directory = Files.createDirectory(home.resolve("empty"));
    String ticket = SampleServices.TICKET;
    Path file = Files.writeString(home.resolve("ticket"), ticket + "\r\n");
    input = new ByteArrayInputStream((ticket + "\n").getBytes(StandardCharsets.UTF_8));

    assertThat(run("mount", ticket.toLowerCase(Locale.ROOT), directory.toString())).isZero();
    assertThat(run("mount", "-", directory.toString())).isZero();
    assertThat(run("mount", "--code-file", file.toString(), directory.toString())).isZero();

    for (int i = 0; i < 3; i++) {
      MountRequest request = services.mounted.poll(SECONDS, TimeUnit.SECONDS);
      assertThat(request).isNotNull();
      assertThat(request.code()).isEqualTo(ticket);
      assertThat(request.toString()).doesNotContain(ticket);
    }
    assertThat(run("mount", ticket.substring(0, 100), directory.toString())).isEqualTo(2);
    assertThat(err()).contains("ticket", "copy all of it").hasLineCount(1);
    assertThat(err()).doesNotContain(ticket.substring(60, 90));
  }

  @Test
  void mistypedCodeNeverReachesTheDaemon() throws Exception {
    assertThat(run("mount", "0000-0000-0001", "--json")).isEqualTo(2);

    assertThat(new ObjectMapper().readTree(out()).path("error").path("kind").asText())
        .isEqualTo("mistyped-code");
    assertThat(services.mounted).isEmpty();
  }

  @Test
  void folderThatCannotBeMountedOnIsNamedBeforeAnythingIsJoined() throws Exception {
    Path full = Files.createDirectory(home.resolve("full"));
    Path file = Files.createFile(full.resolve("file"));

    assertThat(run("mount", SampleServices.CODE, home.resolve("nowhere").toString())).isEqualTo(1);
    assertThat(run("mount", SampleServices.CODE, file.toString())).isEqualTo(1);
    assertThat(run("mount", SampleServices.CODE, full.toString())).isEqualTo(1);
    assertThat(run("mount", SampleServices.CODE, "/proc")).isEqualTo(1);

    assertThat(err().lines())
        .satisfiesExactly(
            line -> assertThat(line).contains("no such folder", "mkdir"),
            line -> assertThat(line).contains("not a folder"),
            line -> assertThat(line).contains("not empty"),
            line -> assertThat(line).contains("mounted there already"));
    assertThat(services.mounted).isEmpty();
  }

  @Test
  void refusalsKeepTheirExitCodes() throws Exception {
    for (ErrorKind kind : ErrorKind.values()) {
      services.mountFailure = new ControlException(kind, "it is " + kind, "do this");
      assertThat(run("mount", SampleServices.CODE)).as("%s", kind).isEqualTo(kind.exitCode());
      assertThat(err()).contains("wormhole: it is " + kind + "; do this");
    }
  }

  @Test
  void cacheIsShownAndChanged() throws Exception {
    assertThat(run("cache", "stats", "--json")).isZero();
    JsonNode stats = new ObjectMapper().readTree(out());
    assertThat(names(stats)).containsExactlyInAnyOrder("ram", "disk", "network");
    assertThat(names(stats.path("disk")))
        .containsExactlyInAnyOrder(
            "limitBytes",
            "usedBytes",
            "chunks",
            "hits",
            "misses",
            "evictions",
            "healed",
            "sameAnswers",
            "dedupRatio",
            "pinnedBytes");
    assertThat(run("cache", "stats")).isZero();
    assertThat(out()).contains("10.0 GB, 16 chunks, 70 % hits");
    assertThat(run("cache", "path")).isZero();
    assertThat(out().strip())
        .isEqualTo(Folders.of(environment(), home).cache().resolve("chunks").toString());
    assertThat(run("cache", "verify")).isZero();
    assertThat(out()).contains("3 chunks were wrong");
    assertThat(run("cache", "clear")).isZero();
    assertThat(out()).contains("16 chunks are gone");
    assertThat(run("cache", "gc")).isZero();
    assertThat(out()).contains("2 chunks are gone");
    assertThat(run("cache", "resize", "20G")).isZero();
    assertThat(services.left).containsExactly("clear", "gc", "resize " + (20L << 30));
    assertThat(run("config", "get", "cache.size")).isZero();
    assertThat(out().strip()).isEqualTo("20G");
  }

  @Test
  void pinsAreShownAndTakenAway() throws Exception {
    assertThat(run("cache", "pin")).isZero();
    assertThat(out())
        .contains("incomplete  3 files, 1.0 MB of 2.0 MB: no room")
        .doesNotContain("\u001b");
    assertThat(run("cache", "pin", "--json")).isZero();
    JsonNode pin = new ObjectMapper().readTree(out()).path("pins").path(0);
    assertThat(names(pin))
        .containsExactlyInAnyOrder(
            "path", "state", "files", "bytesDone", "bytesTotal", "lastError");
    assertThat(pin.path("state").asText()).isEqualTo("incomplete");
    assertThat(run("cache", "pin", home.toString())).isEqualTo(1);
    assertThat(err()).contains("is in no mount");
    assertThat(services.left).isEmpty();
    assertThat(run("cache", "unpin", "/mnt/films")).isZero();
    assertThat(services.left).containsExactly("unpin /mnt/films");
  }

  @Test
  void sizeTheCacheCannotHaveIsRefusedBeforeAnythingIsChanged() throws Exception {
    for (String size : List.of("", "0", "lots", "-1G", "1M", "200T")) {
      assertThat(run("cache", "resize", size)).as(size).isEqualTo(2);
    }
    assertThat(run("mount", SampleServices.CODE, "--cache-size", "1M")).isEqualTo(2);
    assertThat(services.left).isEmpty();
    assertThat(services.mounted).isEmpty();
    assertThat(run("config", "get", "cache.size")).isZero();
    assertThat(out().strip()).isEqualTo("10G");
  }

  @Test
  void whoeverGoesWhileJoiningLeavesNoMountBehind() throws Exception {
    services.mountGate = new CountDownLatch(1);
    Folders folders = Folders.of(environment(), home);
    MountRequest request =
        new MountRequest(
            SampleServices.CODE, null, home.toString(), null, null, null, false, false, null);
    ControlClient client = new ControlClient(folders, new Json());
    try (EventStream stream = client.open("/v1/mounts", request, Duration.ofSeconds(SECONDS))) {
      assertThat(stream.next(Duration.ofSeconds(SECONDS))).isNotNull();
    }

    assertThat(services.left.poll(SECONDS, TimeUnit.SECONDS)).isEqualTo("interrupted");
  }

  @Test
  void foregroundMountStaysUntilItIsUnmounted() throws Exception {
    CompletableFuture<Integer> command = start("mount", SampleServices.CODE, "-f");
    assertThat(services.mounted.poll(SECONDS, TimeUnit.SECONDS)).isNotNull();

    services.mountEnd.complete("wormhole unmount");

    assertThat(command.get(SECONDS, TimeUnit.SECONDS)).isZero();
    assertThat(out()).contains("Unmounted: wormhole unmount.");
  }

  @Test
  void unmountTakesAFolderANameOrAll() throws Exception {
    assertThat(run("unmount", "sample", "--json")).isZero();
    assertThat(new ObjectMapper().readTree(out()).path("unmounted").path(0).path("name").asText())
        .isEqualTo("sample");
    assertThat(run("unmount", "--all")).isZero();
    assertThat(run("unmount", "busy")).isEqualTo(1);
    assertThat(run("unmount")).isEqualTo(2);
    assertThat(run("unmount", "x", "--all")).isEqualTo(2);

    assertThat(services.unmounted)
        .satisfiesExactly(
            one -> assertThat(one.name()).isEqualTo("sample"),
            all -> assertThat(all.everything()).isTrue(),
            busy -> assertThat(busy.force()).isFalse());
  }

  @Test
  void optionsOfLaterTimesAreWrongUsage() {
    for (List<String> args :
        List.of(
            List.of("host", "/tmp", "--stop", "-d"),
            List.of("peers", "forget"),
            List.of("peers", "rename", "a"),
            List.of("host", "/tmp", "--expire", "soon"),
            List.of("host", "/tmp", "--expire", "0h"),
            List.of("host", "/tmp", "--expire", "99999d"),
            List.of("host", "/tmp", "--code", "0000-0000-0001"),
            List.of("host", "/tmp", "--code", SampleServices.TICKET),
            List.of("host", "/tmp", "--stop", "--once"),
            List.of("host", "/tmp", "--allow-write"),
            List.of("host"),
            List.of("host", "/tmp", "--bind", "nonsense"),
            List.of("mount", SampleServices.CODE, "--peer", "nowhere"),
            List.of("mount", SampleServices.CODE, "--peer", "host:0"),
            List.of("mount", SampleServices.CODE, "--ram", "lots"),
            List.of("peers"),
            List.of("cache"),
            List.of("cache", "unpin"),
            List.<String>of())) {
      assertThat(run(args.toArray(String[]::new))).as("%s", args).isEqualTo(2);
      assertThat(err()).as("%s", args).isNotBlank();
    }
    assertThat(services.hosted).isEmpty();
    assertThat(services.mounted).isEmpty();
  }

  @Test
  void helpAndVersionNeedNoDaemon() {
    assertThat(run("--help")).isZero();
    assertThat(out()).contains("host", "mount", "unmount", "status", "daemon", "demo", "version");
    assertThat(run("help", "mount")).isZero();
    assertThat(run("version", "--quiet")).isZero();
    assertThat(out()).matches("(?s).*\\d+\\.\\d+\\.\\d+\\s*");
  }

  @Test
  void requestThatIsNotKnownIsRefusedAndTheDaemonLivesOn() throws Exception {
    ControlClient client = new ControlClient(Folders.of(environment(), home), new Json());
    for (Object request : List.of(Map.of("code", "x", "writable", true), Map.of(), List.of())) {
      assertThat(post(client, request)).isEqualTo(ErrorKind.USAGE);
    }
    assertThat(run("status")).isZero();
  }

  private void awaitOut(String text) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (!out().contains(text)) {
      assertThat(System.nanoTime()).as(text).isLessThan(deadline);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static ErrorKind post(ControlClient client, Object request) {
    try {
      client.open("/v1/mounts", request, Duration.ofSeconds(SECONDS));
      throw new AssertionError("accepted: " + request);
    } catch (ControlException e) {
      return e.kind();
    }
  }

  private Map<String, String> environment() {
    return Map.of("WORMHOLE_HOME", home.toString());
  }

  private Session session(PrintStream output) {
    Terminal terminal =
        new Terminal(
            output, new PrintStream(err, true, StandardCharsets.UTF_8), false, false, false);
    return new Session(terminal, new Json(), environment(), home, home, "", input);
  }

  @Test
  void configShowsEverySettingAndChangesOne() throws Exception {
    Path file = home.resolve("config/config.toml");
    assertThat(run("config", "path")).isZero();
    assertThat(out().strip()).isEqualTo(file.toString());
    assertThat(run("config", "list")).isZero();
    assertThat(out()).contains("discovery.mdns", "true", "multicast DNS", "true or false");

    assertThat(run("config", "set", "discovery.mdns", "false")).isZero();

    assertThat(out()).contains("discovery.mdns is false", "wormhole daemon stop");
    assertThat(file).hasContent("[discovery]\nmdns = false\n");
    assertThat(run("config", "get", "discovery.mdns")).isZero();
    assertThat(out().strip()).isEqualTo("false");
    assertThat(run("config", "list", "--json")).isZero();
    JsonNode listed = new ObjectMapper().readTree(out());
    assertThat(listed.path("path").asText()).isEqualTo(file.toString());
    assertThat(names(listed.path("settings").path(0)))
        .containsExactlyInAnyOrder(
            "key", "value", "defaultValue", "allowed", "allowedWords", "meaning");
    assertThat(listed.path("settings").path(0).path("value").asText()).isEqualTo("false");
  }

  @Test
  void configRefusesInOneLine() throws Exception {
    assertThat(run("config", "set", "discovery.mdns", "maybe")).isEqualTo(2);
    assertThat(err()).contains("true or false").hasLineCount(1);
    assertThat(run("config", "get", "colour")).isEqualTo(2);
    assertThat(err()).contains("no setting colour", "config list");
    Files.createDirectories(home.resolve("config"));
    Files.writeString(home.resolve("config/config.toml"), "colour = 1\n");
    assertThat(run("config", "list")).isEqualTo(1);
    assertThat(err()).contains("config.toml sets colour").hasLineCount(3);
  }

  @Test
  void doctorFindsNothingWrongThatIsNotWrong() throws Exception {
    Files.createDirectories(home.resolve("config"));
    Files.writeString(home.resolve("config/config.toml"), "discovery.mdns = false\n");

    int exit = run("doctor", "--json");

    JsonNode checks = new ObjectMapper().readTree(out()).path("checks");
    Map<String, String> states = new HashMap<>();
    for (JsonNode check : checks) {
      assertThat(names(check)).containsExactlyInAnyOrder("name", "state", "message", "next");
      states.put(check.path("name").asText(), check.path("state").asText());
    }
    assertThat(states)
        .containsOnlyKeys(
            "kernel",
            "fuse",
            "mount-right",
            "backend",
            "rmem_max",
            "wmem_max",
            "clock",
            "disk",
            "port",
            "runtime-folder",
            "config",
            "identity",
            "mdns")
        .containsEntry("config", "ok")
        .containsEntry("clock", "ok")
        .containsEntry("identity", "ok")
        .containsEntry("port", "ok")
        .containsEntry("runtime-folder", "ok")
        .containsEntry("mdns", "ok");
    assertThat(exit).isEqualTo(states.containsValue("fail") ? 5 : 0);
    Path limit = Path.of("/proc/sys/net/core/rmem_max");
    if (Files.exists(limit)) {
      Process cat = new ProcessBuilder("cat", limit.toString()).start();
      long bytes = Long.parseLong(new String(cat.getInputStream().readAllBytes(), UTF_8).strip());
      assertThat(states).containsEntry("rmem_max", bytes >= 4 << 20 ? "ok" : "warn");
    }
  }

  @Test
  void doctorNamesWhatIsWrongAndHowToMendIt() throws Exception {
    Files.createDirectories(home.resolve("config"));
    Files.writeString(home.resolve("config/config.toml"), "colour = 1\n");
    Path identity = Files.createFile(home.resolve("state/identity.p8"));
    Files.setPosixFilePermissions(identity, PosixFilePermissions.fromString("rw-r--r--"));
    Files.setLastModifiedTime(identity, FileTime.from(Instant.now().plus(Duration.ofDays(2))));
    Files.setPosixFilePermissions(
        home.resolve("run"), PosixFilePermissions.fromString("rwxr-xr-x"));
    try (DatagramSocket other = new DatagramSocket()) {
      Files.writeString(home.resolve("state/port"), "" + other.getLocalPort());

      assertThat(run("doctor")).isIn(1, 5);

      assertThat(out())
          .contains("fail config", "sets colour", "→ wormhole config list")
          .contains("fail identity", "→ chmod 600 " + identity)
          .contains("fail port", "UDP port " + other.getLocalPort(), "ss -lunp")
          .contains("fail runtime-folder", "→ chmod 700 " + home.resolve("run"))
          .contains("warn clock", "→ set the clock");
    }
  }

  private int run(String... args) {
    out.reset();
    return CommandTree.execute(session(new PrintStream(out, true, StandardCharsets.UTF_8)), args);
  }

  private CompletableFuture<Integer> start(String... args) {
    return CompletableFuture.supplyAsync(() -> run(args), Thread::startVirtualThread);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
