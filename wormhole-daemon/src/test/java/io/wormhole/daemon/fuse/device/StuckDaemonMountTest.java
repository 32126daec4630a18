package io.wormhole.daemon.fuse.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.fuse.MemoryFileSystem;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.Program;
import io.wormhole.daemon.fuse.RealMount;
import io.wormhole.daemon.fuse.mounts.ConnectionAbort;
import io.wormhole.daemon.fuse.mounts.MountTable;
import io.wormhole.daemon.fuse.mounts.StaleMounts;
import io.wormhole.daemon.fuse.mounts.Unmount;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A daemon that is killed while a thread of it tells the kernel of a change, and that waits for a
 * read which nobody is there to answer any more: the process cannot go, and its connection stays.
 */
@RealMount
class StuckDaemonMountTest {
  private static final long PATIENCE_SECONDS = 20;

  @Test
  void itsMountIsClearedByWhoeverKnowsThatItIsGone() throws Exception {
    Path directory = Files.createTempDirectory("wormhole stuck").toRealPath();
    Process daemon =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Daemon.class.getName(),
                directory.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (BufferedReader said =
        new BufferedReader(
            new InputStreamReader(daemon.getInputStream(), StandardCharsets.UTF_8))) {
      assertThat(said.readLine()).isEqualTo("mounted");
      String device = MountTable.read().at(directory.toString()).orElseThrow().device();
      Program cat = Program.start("cat", directory.resolve("file").toString());
      assertThat(said.readLine()).isEqualTo("reading");
      awaitStuck(daemon.pid());
      daemon.destroyForcibly();
      assertThat(StaleMounts.clear(List.of(directory))).as("it may be slow").isEmpty();
      assertThat(StaleMounts.clear(List.of(directory), Set.of("0:0"))).isEmpty();
      assertThat(cat.isAlive()).isTrue();
      assertThat(StaleMounts.clear(List.of(directory), Set.of(device))).containsExactly(directory);
      assertThat(cat.result().status()).isEqualTo(1);
      assertThat(daemon.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    } finally {
      daemon.destroyForcibly();
      MountTable.read()
          .at(directory.toString())
          .ifPresent(left -> {
            ConnectionAbort.abort(left.device());
            Unmount.lazily(directory);
          });
      Files.delete(directory);
    }
  }

  private static void awaitStuck(long pid) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!isStuck(pid)) {
      assertThat(System.nanoTime()).as("a thread is stuck").isLessThan(end);
      Thread.sleep(5);
    }
  }

  private static boolean isStuck(long pid) throws IOException {
    try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
      return threads.map(thread -> thread.resolve("stat")).anyMatch(StuckDaemonMountTest::sleeps);
    }
  }

  private static boolean sleeps(Path stat) {
    try {
      return Files.readString(stat).contains("(notify) D");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Mounts a file that is never read to its end, and says so to the kernel meanwhile. */
  static final class Daemon {
    public static void main(String[] arguments) throws Exception {
      CountDownLatch reading = new CountDownLatch(1);
      MemoryFileSystem files = new MemoryFileSystem();
      MemoryFileSystem.Node file = files.root.file("file", 1 << 20, offset -> 1);
      files.readGate =
          node -> {
            reading.countDown();
            Thread.sleep(TimeUnit.MINUTES.toMillis(10));
          };
      var mount =
          new DeviceBackend(DeviceSettings.DEFAULTS, System::nanoTime)
              .mount(new MountOptions(Path.of(arguments[0]), "stuck"), files);
      System.out.println("mounted");
      reading.await();
      System.out.println("reading");
      try (HastyNotifier hasty = new HastyNotifier()) {
        hasty.inode(file.id);
        mount.ended().join();
      }
    }
  }
}
