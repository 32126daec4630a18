package io.wormhole.daemon.fuse;

import static io.wormhole.daemon.fuse.MountedFileSystem.at;
import static io.wormhole.daemon.fuse.MountedFileSystem.await;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What has changed shows through the mount once the kernel is told, however long it may remember.
 */
@OnEveryBackend
class NotifyMountTest {
  private static final int PAGE = 4096;

  private final TestedBackend backend;
  private final MemoryFileSystem files = new MemoryFileSystem();
  private final Gates gate = new Gates();

  NotifyMountTest(TestedBackend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void letTheKernelRemember() {
    files.validFor = Duration.ofHours(1);
  }

  @AfterEach
  void openTheGate() {
    gate.open();
  }

  @Test
  void attributesThatChangedAreSeen() throws Exception {
    MemoryFileSystem.Node folder = files.root.directory("folder");
    MemoryFileSystem.Node file = folder.file("file", new byte[10]);
    files.root.link("second name", file);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Path path = mounted.path("folder/file");
      Path second = mounted.path("second name");
      assertThat(Files.size(path)).isEqualTo(10);
      assertThat(Files.size(second)).isEqualTo(10);
      file.size = 20;
      assertThat(Files.size(path)).as("the kernel remembers").isEqualTo(10);
      assertThat(mounted.mount.notifier().inode(file.id)).isTrue();
      await(() -> Files.size(path) == 20);
      await(() -> Files.size(second) == 20);
    }
  }

  @Test
  void whatTheKernelForgotAndAskedForAnewIsTold() throws Exception {
    MemoryFileSystem.Node folder = files.root.directory("folder");
    MemoryFileSystem.Node file = folder.file("file", new byte[10]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Path path = mounted.path("folder/file");
      assertThat(Files.readAllBytes(path)).hasSize(10);
      mounted.dropCaches();
      assertThat(Files.size(path)).isEqualTo(10);
      file.size = 20;
      assertThat(Files.size(path)).as("the kernel remembers").isEqualTo(10);
      assertThat(mounted.mount.notifier().inode(file.id)).isTrue();
      await(() -> Files.size(path) == 20);
    }
  }

  @Test
  void bytesThatChangedAreReadAnewThroughAnOpenFile() throws Exception {
    byte[] content = new byte[64 * PAGE];
    MemoryFileSystem.Node file = files.root.file("file", content);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files);
        FileChannel open = FileChannel.open(mounted.path("file"))) {
      assertThat(at(open, 0)).isZero();
      assertThat(at(open, 63 * PAGE)).isZero();
      content[0] = 1;
      content[63 * PAGE] = 1;
      assertThat(at(open, 0)).as("the kernel has the page").isZero();
      assertThat(mounted.mount.notifier().range(file.id, 0, 10)).isTrue();
      await(() -> at(open, 0) == 1);
      assertThat(mounted.mount.notifier().inode(file.id)).isTrue();
      await(() -> at(open, 63 * PAGE) == 1);
    }
  }

  @Test
  void aNameThatIsGoneIsSeen() throws Exception {
    MemoryFileSystem.Node folder = files.root.directory("folder");
    folder.file("old", new byte[1]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Path old = mounted.path("folder/old");
      assertThat(Files.exists(old)).isTrue();
      folder.unlink("old");
      assertThat(Files.exists(old)).as("the kernel remembers").isTrue();
      assertThat(mounted.mount.notifier().entry(folder.id, MemoryFileSystem.bytes("old"))).isTrue();
      await(() -> !Files.exists(old));
    }
  }

  @Test
  void aNameThatIsNewIsSeen() throws Exception {
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(Files.exists(mounted.path("new"))).isFalse();
      files.root.file("new", new byte[1]);
      KernelNotifier notifier = mounted.mount.notifier();
      assertThat(notifier.entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("new"))).isTrue();
      await(() -> Files.exists(mounted.path("new")));
    }
  }

  @Test
  void aNameThatIsAnotherNodesNowLeadsToThat() throws Exception {
    files.root.file("file", new byte[] {1});
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files);
        FileChannel open = FileChannel.open(mounted.path("file"))) {
      files.root.file("file", new byte[2]);
      assertThat(Files.size(mounted.path("file"))).isEqualTo(1);
      mounted.mount.notifier().entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("file"));
      await(() -> Files.size(mounted.path("file")) == 2);
      assertThat(at(open, 0)).as("who has it open keeps it").isEqualTo((byte) 1);
    }
  }

  @Test
  void whatTheKernelNeverHeardOfIsNoError() throws Exception {
    MemoryFileSystem.Node known = files.root.file("file", new byte[10]);
    MemoryFileSystem.Node unknown = files.root.file("unknown", new byte[10]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(Files.size(mounted.path("file"))).isEqualTo(10);
      KernelNotifier notifier = mounted.mount.notifier();
      notifier.inode(unknown.id);
      notifier.inode(4711);
      notifier.inode(KernelFileSystem.ROOT);
      notifier.entry(4711, MemoryFileSystem.bytes("name"));
      notifier.entry(known.id, MemoryFileSystem.bytes("of a file that is no folder"));
      notifier.entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("never"));
      known.size = 11;
      notifier.inode(known.id);
      await(() -> Files.size(mounted.path("file")) == 11);
    }
  }

  /** The read has its old byte already when the change comes, and is answered after it. */
  @Test
  void aReadThatIsUnderWayDoesNotSurviveItsNotice() throws Exception {
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
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files);
        FileChannel open = FileChannel.open(mounted.path("slow"))) {
      Program cat = Program.start("cat", mounted.path("slow").toString());
      assertThat(gate.awaitArrived(1)).isTrue();
      content[0] = 1;
      assertThat(mounted.mount.notifier().inode(slow.id)).isTrue();
      gate.open();
      // The kernel may drop the page before it has given it out, and then asks anew.
      assertThat(cat.result().outputBytes()).hasSize(1);
      await(() -> at(open, 0) == 1);
    }
  }

  /** While a name is looked up the kernel holds its folder, which a notice of a name waits for. */
  @Test
  void aLookupThatIsUnderWayIsAnsweredBesideANoticeOfItsFolder() throws Exception {
    files.root.file("old", new byte[1]);
    files.root.file("slow", new byte[1]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(Files.exists(mounted.path("old"))).isTrue();
      files.lookupGate = gate::passUninterruptibly;
      Program stat = Program.start("stat", mounted.path("slow").toString());
      assertThat(gate.awaitArrived(1)).isTrue();
      files.root.unlink("old");
      KernelNotifier notifier = mounted.mount.notifier();
      for (int i = 0; i < 1000; i++) {
        assertThat(notifier.entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("old"))).isTrue();
      }
      gate.open();
      assertThat(stat.result().status()).isZero();
      await(() -> !Files.exists(mounted.path("old")));
    }
  }
}
