package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.control.MountEvent.Mounted;
import io.wormhole.protocol.control.MountRequest;
import io.wormhole.protocol.control.MountTable;
import io.wormhole.protocol.control.ShareEvent.Shared;
import io.wormhole.protocol.control.StopAnswer;
import io.wormhole.protocol.settings.Setting;
import io.wormhole.protocol.settings.SettingsFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A host and a mount on this machine, by two daemons with homes of their own below a folder that
 * goes with them, or by one. Used once.
 */
final class DemoRun {
  private static final long SEED = 25;
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(3);
  private static final Duration END_LIMIT = Duration.ofSeconds(60);
  private static final int STAT_COUNT = 200;

  private final Session session;
  private final boolean oneDaemon;
  private final Path base;
  private final Path folder;
  private final Path mountPoint;
  private final Output output;

  /**
   * @param oneDaemon whether the host is the guest's daemon too
   */
  DemoRun(Session session, Path base, boolean oneDaemon, Output output) {
    this.session = session;
    this.oneDaemon = oneDaemon;
    this.base = base;
    this.folder = base.resolve("demo");
    this.mountPoint = base.resolve("mount");
    this.output = output;
  }

  /**
   * What was measured, and what differs.
   *
   * @param mountMillis from the request until the mount answered
   * @param firstByteMillis of a file nobody had read
   * @param statMillis for a file, known names
   * @param listMillis for a folder of 1000 entries and their attributes, nobody had listed it
   * @param sequentialBytesPerSecond a file of 64 MiB that nobody had read
   */
  record Measured(
      double mountMillis,
      double firstByteMillis,
      double statMillis,
      double listMillis,
      long sequentialBytesPerSecond,
      long entries,
      long bytes,
      List<String> differences) {}

  /** Does it all, and leaves nothing behind. */
  Measured run() throws ControlException, InterruptedException, IOException {
    Session host = home("host");
    Session guest = oneDaemon ? host : home("guest");
    try {
      try (ProgressLine _ = output.progress("making a sample folder")) {
        DemoFolder.write(folder, SEED);
      }
      output.say("sample       made in " + folder);
      return hostAndMount(host, guest);
    } finally {
      cleanUp(host, guest);
    }
  }

  /** Gives whoever waits for a byte through the mount an error instead. Any thread. */
  void releaseReaders() {
    int errno = Umount2.force(mountPoint.toString());
    output.detail("unmounted by force: " + errno);
  }

  private Measured hostAndMount(Session host, Session guest)
      throws ControlException, InterruptedException, IOException {
    HostRequest share = HostRequest.of(folder.toString(), null, "127.0.0.1:0");
    try (ProgressLine progress = output.progress("starting two daemons")) {
      ControlClient hosting = host.runningDaemon(output);
      ControlClient mounting = guest.runningDaemon(output);
      progress.text("sharing");
      try (EventStream shared = hosting.open(ControlPaths.SHARES, share, LIMIT)) {
        if (!(next(shared) instanceof Shared told)) {
          throw unexpected("the share");
        }
        output.say("shared       at " + told.address());
        progress.text("mounting");
        Files.createDirectories(mountPoint);
        long start = System.nanoTime();
        mount(mounting, told);
        double mountMillis = millisSince(start);
        output.say("mounted      in " + Figures.millis(mountMillis));
        progress.text("reading it all back");
        return measure(mountMillis);
      }
    }
  }

  private void mount(ControlClient mounting, Shared shared) throws ControlException, IOException {
    MountRequest request =
        new MountRequest(
            shared.code(),
            mountPoint.toString(),
            base.toString(),
            shared.address(),
            null,
            null,
            false,
            false,
            null);
    try (EventStream stream = mounting.open(ControlPaths.MOUNTS, request, LIMIT)) {
      Object event = next(stream);
      while (!(event instanceof Mounted)) {
        event = next(stream);
      }
    }
  }

  private static @Nullable Object next(EventStream stream) throws ControlException {
    EventStream.Line line = stream.next(LIMIT);
    if (line == null) {
      throw unexpected("the daemon");
    }
    return line.event();
  }

  private Measured measure(double mountMillis) throws IOException {
    Path big = mountPoint.resolve(DemoFolder.BIG_FILE);
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
    double firstByteMillis;
    double seconds;
    long size = 0;
    try (FileChannel file = FileChannel.open(big)) {
      long start = System.nanoTime();
      file.read(buffer.limit(1), 0);
      firstByteMillis = millisSince(start);
      start = System.nanoTime();
      for (int count; (count = file.read(buffer.clear(), size)) > 0; ) {
        size += count;
      }
      seconds = millisSince(start) / 1000;
    }
    long start = System.nanoTime();
    long listed = list(mountPoint.resolve(DemoFolder.MANY));
    double listMillis = millisSince(start);
    start = System.nanoTime();
    for (int i = 0; i < STAT_COUNT; i++) {
      attributes(mountPoint.resolve(DemoFolder.MANY).resolve("file-%04d".formatted(i)));
    }
    double statMillis = millisSince(start) / STAT_COUNT;
    output.detail("listed " + listed + " entries");
    FolderComparison.Result result = FolderComparison.compare(folder, mountPoint);
    return new Measured(
        mountMillis,
        firstByteMillis,
        statMillis,
        listMillis,
        Math.round(size / seconds),
        result.entries(),
        result.bytes(),
        result.differences());
  }

  private static long list(Path directory) throws IOException {
    long count = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        attributes(entry);
        count++;
      }
    }
    return count;
  }

  private static BasicFileAttributes attributes(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
  }

  private static double millisSince(long startNanos) {
    return (System.nanoTime() - startNanos) / 1e6;
  }

  private static ControlException unexpected(String who) {
    return new ControlException(
        ErrorKind.DAEMON_UNAVAILABLE, who + " ended before its time", "try again with -v");
  }

  /** The same surroundings, and a home of its own. */
  private Session home(String name) throws ControlException {
    Map<String, String> environment = new HashMap<>(session.environment());
    environment.put("WORMHOLE_HOME", base.resolve(name).toString());
    Session home =
        new Session(
            session.terminal(),
            session.json(),
            environment,
            session.userHome(),
            session.workingDirectory(),
            session.classPath(),
            session.input());
    // Nobody beside this machine is to hear of a demo.
    SettingsFile.of(home.folders()).set(Setting.DISCOVERY_MDNS, "false");
    return home;
  }

  /** Also after an interruption, which must not keep this from going through. */
  private void cleanUp(Session host, Session guest) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      stop(guest);
      stop(host);
      ForcedUnmount.at(mountPoint, "");
      if (MountTable.at(mountPoint).isEmpty()) {
        delete(base);
      } else {
        output.warn("still mounted, so it was left there: " + base);
      }
    } catch (ControlException e) {
      output.warn(e.error().line());
    } catch (InterruptedException e) {
      interrupted = true;
      output.warn("interrupted twice; this was left there: " + base);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void stop(Session home) throws InterruptedException {
    ControlClient client = home.client();
    try {
      if (!client.daemonListens()) {
        return;
      }
      long pid = client.post(ControlPaths.STOP, Map.of(), StopAnswer.class, STOP_LIMIT).pid();
      Optional<ProcessHandle> daemon = ProcessHandle.of(pid);
      if (daemon.isPresent()) {
        end(daemon.get());
      }
    } catch (ControlException e) {
      output.warn(e.error().line());
    }
  }

  private void end(ProcessHandle daemon) throws InterruptedException {
    if (!ProcessEnd.await(daemon, END_LIMIT)) {
      output.warn("the daemon did not end in time and was killed: process " + daemon.pid());
      daemon.destroyForcibly();
    }
  }

  private static void delete(Path base) throws IOException {
    Files.walkFileTree(
        base,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
              throws IOException {
            Files.delete(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
