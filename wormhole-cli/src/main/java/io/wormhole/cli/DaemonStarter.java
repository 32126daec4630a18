package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.Deadline;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.Folders;
import io.wormhole.protocol.control.PrivateFolder;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Starts the daemon of a home. Commands that want one at the same time start one: the first holds a
 * lock until the daemon listens.
 */
final class DaemonStarter {
  private static final String MAIN_CLASS = "io.wormhole.daemon.Main";

  /** Options for the daemon's JVM, one a line, in place of those it would begin with. */
  private static final String OPTIONS = "WORMHOLE_DAEMON_OPTIONS";

  private static final String DETACHED = "-Dwormhole.detached=true";
  private static final Duration START_LIMIT = Duration.ofSeconds(15);
  private static final Duration LOCK_LIMIT = Duration.ofSeconds(20);
  private static final int LOOK_MILLIS = 10;

  /** With less than this free a daemon that says nothing most likely could not. */
  private static final long ROOM_BYTES = 64 << 10;

  private final Folders folders;
  private final ControlClient client;
  private final Map<String, String> environment;
  private final String classPath;

  /**
   * A starter for a home.
   *
   * @param environment what the daemon finds; {@code WORMHOLE_HOME} in it decides its folders
   * @param classPath absolute entries: the daemon works from {@code /}
   */
  DaemonStarter(
      Folders folders, ControlClient client, Map<String, String> environment, String classPath) {
    this.folders = folders;
    this.client = client;
    this.environment = environment;
    this.classPath = classPath;
  }

  /**
   * Returns when a daemon listens.
   *
   * @return whether it was started by this call
   * @throws ControlException if it does not start; says why in its own words
   */
  boolean ensureRunning() throws ControlException, InterruptedException {
    if (client.daemonListens()) {
      return false;
    }
    PrivateFolder.ensure(folders.run());
    try (FileChannel file =
        FileChannel.open(
            folders.startLock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      lock(file);
      if (client.daemonListens()) {
        return false;
      }
      await(start());
      return true;
    } catch (IOException e) {
      throw new ControlException(
          ErrorKind.DAEMON_UNAVAILABLE, "the daemon cannot be started: " + e, null, e);
    }
  }

  /** The daemon in the foreground, on this terminal; the caller waits for its end. */
  Process runHere() throws IOException {
    return builder(List.of()).inheritIO().start();
  }

  private Process start() throws IOException {
    Path output = folders.output();
    PrivateFolder.create(folders.state().resolve("logs"));
    return builder(List.of(DETACHED))
        .redirectInput(new File("/dev/null"))
        .redirectErrorStream(true)
        .redirectOutput(output.toFile())
        .start();
  }

  private ProcessBuilder builder(List<String> more) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options());
    command.addAll(startOptions(environment, classPath));
    command.addAll(more);
    command.addAll(List.of("-cp", classPath, MAIN_CLASS));
    ProcessBuilder builder = new ProcessBuilder(command).directory(new File("/"));
    builder.environment().clear();
    builder.environment().putAll(environment);
    builder.environment().put("LC_ALL", "C.UTF-8");
    builder.environment().put("MALLOC_ARENA_MAX", "2");
    return builder;
  }

  /**
   * How the JVM begins: with the classes and profiles of an earlier run if the build left them,
   * which rules out the incubator module of the vectors, else with the vectors.
   */
  static List<String> startOptions(Map<String, String> environment, String classPath) {
    String given = environment.get(OPTIONS);
    if (given != null) {
      return given.lines().filter(option -> !option.isBlank()).toList();
    }
    Path cache = Path.of(classPath.split(File.pathSeparator, 2)[0]).resolveSibling("daemon.aot");
    return Files.exists(cache)
        ? List.of("-XX:AOTCache=" + cache, "-Xlog:aot=off")
        : List.of("--add-modules=jdk.incubator.vector");
  }

  private static List<String> options() throws IOException {
    try (InputStream in = DaemonStarter.class.getResourceAsStream("daemon.options")) {
      if (in == null) {
        throw new IOException("the build lacks daemon.options");
      }
      return new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))
          .lines()
          .filter(line -> !line.startsWith("#"))
          .flatMap(line -> Stream.of(line.split(" ", -1)))
          .filter(option -> !option.isBlank())
          .toList();
    }
  }

  /** The lock goes when the file is closed, or with the process. */
  private static void lock(FileChannel file)
      throws IOException, ControlException, InterruptedException {
    CompletableFuture<Void> locked = new CompletableFuture<>();
    Thread waiter =
        Thread.ofVirtual()
            .start(() -> {
              try {
                file.lock();
                locked.complete(null);
              } catch (IOException e) {
                locked.completeExceptionally(e);
              }
            });
    try {
      locked.get(LOCK_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      waiter.interrupt();
      throw new ControlException(
          ErrorKind.DAEMON_UNAVAILABLE,
          "another command has been starting the daemon for " + LOCK_LIMIT.toSeconds() + " s",
          "try again",
          e);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
  }

  private void await(Process daemon) throws ControlException, IOException, InterruptedException {
    Deadline deadline = Deadline.in(START_LIMIT);
    while (!client.daemonListens()) {
      if (daemon.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
        String why = lastLine();
        if (why == null && folders.state().toFile().getUsableSpace() < ROOM_BYTES) {
          throw new ControlException(
              ErrorKind.DAEMON_UNAVAILABLE,
              "the daemon did not start: the disk that holds %s is full".formatted(folders.state()),
              "make room there");
        }
        throw new ControlException(
            ErrorKind.DAEMON_UNAVAILABLE,
            "the daemon did not start: " + (why == null ? "it said nothing" : why),
            "see " + folders.output());
      }
      if (deadline.hasPassed()) {
        daemon.destroyForcibly();
        throw new ControlException(
            ErrorKind.DAEMON_UNAVAILABLE,
            "the daemon did not listen within " + START_LIMIT.toSeconds() + " s",
            "see " + folders.log());
      }
    }
  }

  private @Nullable String lastLine() throws IOException {
    try (Stream<String> lines = Files.lines(folders.output(), StandardCharsets.ISO_8859_1)) {
      return lines.filter(line -> !line.isBlank()).reduce((_, last) -> last).orElse(null);
    }
  }
}
