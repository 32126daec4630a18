package io.wormhole.daemon.fuse.device;

import static io.wormhole.daemon.fuse.MountedFileSystem.at;
import static io.wormhole.daemon.fuse.MountedFileSystem.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.fuse.Gates;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.KernelNotifier;
import io.wormhole.daemon.fuse.MemoryFileSystem;
import io.wormhole.daemon.fuse.MountedFileSystem;
import io.wormhole.daemon.fuse.Program;
import io.wormhole.daemon.fuse.RealMount;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How the kernel is told of changes through the device, beyond the contract. */
@RealMount
class DeviceNotifyMountTest {
  private static final int PAGE = 4096;

  private final MemoryFileSystem files = new MemoryFileSystem();
  private final Gates gate = new Gates();

  @BeforeEach
  void letTheKernelRemember() {
    files.validFor = Duration.ofHours(1);
  }

  @AfterEach
  void openTheGate() {
    gate.open();
  }

  @Test
  void anAbsenceThatIsOverIsSeen() throws Exception {
    try (MountedFileSystem mounted =
        new MountedFileSystem(
            new DeviceBackend(DeviceSettings.DEFAULTS, System::nanoTime), files)) {
      assertThat(Files.exists(mounted.path("new"))).isFalse();
      files.root.file("new", new byte[1]);
      assertThat(Files.exists(mounted.path("new"))).as("the kernel remembers").isFalse();
      mounted.mount.notifier().entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("new"));
      await(() -> Files.exists(mounted.path("new")));
    }
  }

  @Test
  void bytesOutOfTheRangeThatChangedStayInTheKernel() throws Exception {
    byte[] content = new byte[64 * PAGE];
    MemoryFileSystem.Node file = files.root.file("file", content);
    try (MountedFileSystem mounted =
            new MountedFileSystem(
                new DeviceBackend(DeviceSettings.DEFAULTS, System::nanoTime), files);
        FileChannel open = FileChannel.open(mounted.path("file"))) {
      assertThat(at(open, 0)).isZero();
      assertThat(at(open, 63 * PAGE)).isZero();
      content[0] = 1;
      content[63 * PAGE] = 1;
      assertThat(at(open, 0)).as("the kernel has the page").isZero();
      KernelNotifier notifier = mounted.mount.notifier();
      assertThat(notifier.range(file.id, 0, 10)).isTrue();
      await(() -> at(open, 0) == 1);
      assertThat(at(open, 63 * PAGE)).as("out of the range").isZero();
    }
  }

  /** The read has its old byte already when the change comes, and is answered after it. */
  @Test
  void aReadThatIsUnderWayNeitherHoldsTheNoticesOfOthersUpNorSurvivesItsOwn() throws Exception {
    AtomicBoolean first = new AtomicBoolean(true);
    byte[] content = {0};
    MemoryFileSystem.Node slow =
        files.root.file(
            "slow",
            1,
            offset -> {
              byte before = content[0];
              if (first.getAndSet(false)) {
                gate.passUninterruptibly(files.root);
              }
              return before;
            });
    MemoryFileSystem.Node other = files.root.file("other", new byte[10]);
    try (MountedFileSystem mounted =
        new MountedFileSystem(
            new DeviceBackend(DeviceSettings.DEFAULTS, System::nanoTime), files)) {
      assertThat(Files.size(mounted.path("other"))).isEqualTo(10);
      Program cat = Program.start("cat", mounted.path("slow").toString());
      assertThat(gate.awaitArrived(1)).isTrue();
      content[0] = 1;
      other.size = 11;
      KernelNotifier notifier = mounted.mount.notifier();
      for (int i = 0; i < 10_000; i++) {
        assertThat(notifier.inode(slow.id)).isTrue();
      }
      assertThat(notifier.inode(other.id)).isTrue();
      await(() -> Files.size(mounted.path("other")) == 11);
      gate.open();
      // The kernel may drop the page before it has given it out, and then asks anew.
      assertThat(cat.result().outputBytes()).hasSize(1);
      await(() -> Files.readAllBytes(mounted.path("slow"))[0] == 1);
      assertThat(((DeviceNotifier) notifier).written()).as("ten thousand are one").isEqualTo(2);
    }
  }

  @Test
  void aThreadThatIsStuckInTheKernelWithANoticeIsFreedByForce() throws Exception {
    MemoryFileSystem.Node file = files.root.file("file", 1 << 20, offset -> 1);
    files.readGate = gate::passUninterruptibly;
    try (MountedFileSystem mounted =
        new MountedFileSystem(
            new DeviceBackend(DeviceSettings.DEFAULTS, System::nanoTime), files)) {
      Program cat = Program.start("cat", mounted.path("file").toString());
      assertThat(gate.awaitArrived(1)).isTrue();
      HastyNotifier hasty = new HastyNotifier();
      assertThat(hasty.inode(file.id)).isTrue();
      await(() -> threadsStuck() == 1);
      mounted.mount.forceUnmount();
      assertThat(mounted.mount.ended()).isDone();
      await(() -> threadsStuck() == 0);
      hasty.close();
      assertThat(cat.result().status()).isEqualTo(1);
      assertThat(mounted.mount.notifier().inode(file.id)).as("it is over").isFalse();
      gate.open();
      mounted.awaitEnd();
    }
  }

  /** Threads of ours that tell the kernel something and sleep in it where no signal wakes them. */
  private static long threadsStuck() throws IOException {
    try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
      return threads
          .map(DeviceNotifyMountTest::stat)
          .filter(stat -> stat.contains("(notify) D"))
          .count();
    }
  }

  private static String stat(Path thread) {
    try {
      List<String> lines = Files.readAllLines(thread.resolve("stat"));
      return lines.isEmpty() ? "" : lines.getFirst();
    } catch (IOException ended) {
      return "";
    }
  }
}
