package io.wormhole.daemon.fuse.jnr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.fuse.Gates;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MemoryFileSystem;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.MountedFileSystem;
import io.wormhole.daemon.fuse.OtherDaemon;
import io.wormhole.daemon.fuse.Program;
import io.wormhole.daemon.fuse.RealMount;
import io.wormhole.daemon.fuse.TestedBackend;
import io.wormhole.daemon.fuse.mounts.MountTable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What this backend does beyond the contract of all: its threads, its table, what it needs. */
@RealMount
class JnrMountTest {
  private final MemoryFileSystem files = new MemoryFileSystem();
  private final Gates gate = new Gates();

  @BeforeEach
  void needTheLibrary() {
    TestedBackend.JNR.create(Duration.ZERO);
  }

  @AfterEach
  void openTheGate() {
    gate.open();
  }

  @Test
  void threadsGrowWhileAllWaitUpToTheirBoundAndGoAgain() throws Exception {
    MemoryFileSystem.Node slow = files.root.file("slow", 1 << 20, offset -> 1);
    files.validFor = Duration.ofHours(1);
    files.readGate = gate;
    try (MountedFileSystem mounted = mounted(new JnrSettings(2, 6, files.validFor, 100))) {
      Path path = mounted.path("slow");
      assertThat(Files.size(path)).isEqualTo(slow.size);
      List<Program> programs = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        programs.add(
            Program.start("dd", "if=" + path, "iflag=direct", "bs=4k", "count=1", "skip=" + i));
      }
      assertThat(gate.awaitArrived(6)).isTrue();
      assertThat(sessionThreads()).isEqualTo(6);
      assertThat(Files.size(path)).as("the kernel answers by itself").isEqualTo(slow.size);
      gate.open();
      for (Program program : programs) {
        assertThat(program.result().status()).isZero();
      }
      assertThat(gate.awaitArrived(4)).as("those that waited in the kernel").isTrue();
      files.readGate = MemoryFileSystem.OPEN_GATE;
      for (int i = 0; i < 500 && sessionThreads() > 2; i++) {
        assertThat(Program.run("stat", "-f", mounted.directory.toString()).status()).isZero();
      }
      assertThat(sessionThreads()).isLessThanOrEqualTo(3);
    }
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (sessionThreads() > 0 && System.nanoTime() < deadline) {
      Thread.onSpinWait();
    }
    assertThat(sessionThreads()).isZero();
  }

  @Test
  void attributesAndNamesLiveAsLongAsTheMountSaysAndAbsencesNotAtAll() throws Exception {
    files.validFor = Duration.ZERO;
    MemoryFileSystem.Node file = files.root.file("file", new byte[1]);
    try (MountedFileSystem mounted = mounted(new JnrSettings(2, 8, Duration.ofHours(1), 100))) {
      assertThat(Files.size(mounted.path("file"))).isEqualTo(1);
      file.size = 2;
      assertThat(Files.size(mounted.path("file"))).isEqualTo(1);
      assertThat(Files.exists(mounted.path("other"))).isFalse();
      files.root.file("other", new byte[3]);
      assertThat(Files.size(mounted.path("other"))).isEqualTo(3);
    }
  }

  @Test
  void aDescriptorOfAFileThatWasReplacedHasItsBytesAndNoAttributes() throws Exception {
    files.validFor = Duration.ZERO;
    files.root.file("file", 100_000, offset -> 1);
    try (MountedFileSystem mounted = mounted(new JnrSettings(2, 8, Duration.ZERO, 100));
        FileChannel old = FileChannel.open(mounted.path("file"))) {
      files.root.unlink("file");
      files.root.file("file", 5, offset -> 2);
      assertThat(Files.size(mounted.path("file"))).isEqualTo(5);
      ByteBuffer bytes = ByteBuffer.allocate(1000);
      assertThat(old.read(bytes, 60_000)).isEqualTo(1000);
      assertThat(bytes.array()).containsOnly(1);
      assertThatThrownBy(old::size).isInstanceOf(IOException.class);
    }
  }

  @Test
  void aFolderLargerThanTheTableOfPathsIsWalked() throws Exception {
    for (int i = 0; i < 20; i++) {
      MemoryFileSystem.Node folder = files.root.directory("folder " + i);
      IntStream.range(0, 50).forEach(j -> folder.file("file " + j, new byte[j]));
    }
    try (MountedFileSystem mounted = mounted(new JnrSettings(2, 8, Duration.ofHours(1), 16))) {
      for (int i = 0; i < 2; i++) {
        Program.Result found =
            Program.bash(
                "cd \"$1\"; find . -type f -printf '%s\\n' | sort -n | uniq -c | wc -l",
                mounted.directory);
        assertThat(found.output().strip()).as(found.errors()).isEqualTo("50");
        assertThat(files.heldByKernel()).isLessThanOrEqualTo(16);
      }
    }
  }

  @Test
  void mountsOfOneBackendLiveSideBySide() throws Exception {
    MemoryFileSystem others = new MemoryFileSystem();
    files.root.file("file", MemoryFileSystem.bytes("one"));
    others.root.file("file", MemoryFileSystem.bytes("other"));
    JnrBackend backend = new JnrBackend(JnrSettings.DEFAULTS, System::nanoTime);
    try (MountedFileSystem one = new MountedFileSystem(backend, files)) {
      try (MountedFileSystem other = new MountedFileSystem(backend, others)) {
        assertThat(Files.readString(one.path("file"))).isEqualTo("one");
        assertThat(Files.readString(other.path("file"))).isEqualTo("other");
      }
      assertThat(Files.readString(one.path("file"))).isEqualTo("one");
      assertThat(Path.of("/proc/self/cwd").toRealPath())
          .isEqualTo(Path.of(System.getProperty("user.dir")).toRealPath());
    }
  }

  @Test
  void aMountThatFailsLeavesNothingAndTheFileSystemHearsNothing(@TempDir Path scratch)
      throws Exception {
    Path directory = Files.createDirectory(scratch.toRealPath().resolve("mount point"));
    JnrBackend backend = new JnrBackend(JnrSettings.DEFAULTS, System::nanoTime);
    backend.check();
    MemoryFileSystem failed = null;
    for (int i = 0; i < 100 && failed == null; i++) {
      MemoryFileSystem tried = new MemoryFileSystem();
      FutureTask<KernelMount> mounting =
          new FutureTask<>(() -> backend.mount(new MountOptions(directory, "share"), tried));
      Thread mounter = Thread.ofPlatform().start(mounting);
      while (MountTable.read().at(directory.toString()).isEmpty() && mounter.isAlive()) {
        Thread.onSpinWait();
      }
      mounter.interrupt();
      mounter.join();
      if (mounting.state() == Future.State.FAILED) {
        failed = tried;
      } else {
        mounting.resultNow().unmount();
        mounting.resultNow().ended().get(10, TimeUnit.SECONDS);
      }
    }
    assertThat(failed).as("a mount that was interrupted").isNotNull();
    assertThat(MountTable.read().at(directory.toString())).isEmpty();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (sessionThreads() > 0) {
      assertThat(System.nanoTime()).as("its threads end").isLessThan(end);
      Thread.sleep(10);
    }
    assertThat(failed.destroyed.getCount()).isEqualTo(1);
  }

  @Test
  void withoutTheLibraryOrTheDeviceTheRefusalSaysSo(@TempDir Path scratch) throws Exception {
    OtherDaemon withoutLibrary =
        OtherDaemon.start(
            TestedBackend.JNR,
            scratch,
            "unshare",
            "-m",
            "sh",
            "-c",
            "for l in $(ls /lib/*/libfuse.so.2* /usr/lib/*/libfuse.so.2* 2>/dev/null);"
                + " do mount --bind /dev/null $(readlink -f $l); done; exec \"$@\"",
            "sh");
    assertThat(withoutLibrary.answer()).isEqualTo("NO_LIBRARY");
    OtherDaemon withoutDevice =
        OtherDaemon.start(
            TestedBackend.JNR,
            scratch,
            "unshare",
            "-m",
            "sh",
            "-c",
            "mount -t tmpfs none /dev && exec \"$@\"",
            "sh");
    assertThat(withoutDevice.answer()).isEqualTo("NO_DEVICE");
  }

  private static long sessionThreads() throws IOException {
    long count = 0;
    try (var tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path task : tasks) {
        count += isSessionThread(task) ? 1 : 0;
      }
    }
    return count;
  }

  private static boolean isSessionThread(Path task) {
    try {
      return Files.readString(task.resolve("comm")).strip().matches("fuse-[0-9]+");
    } catch (IOException e) {
      // It ended just now.
      return false;
    }
  }

  private MountedFileSystem mounted(JnrSettings settings) throws Exception {
    return new MountedFileSystem(new JnrBackend(settings, System::nanoTime), files);
  }
}
