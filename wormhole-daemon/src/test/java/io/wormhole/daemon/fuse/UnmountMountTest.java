package io.wormhole.daemon.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.fuse.mounts.ConnectionAbort;
import io.wormhole.daemon.fuse.mounts.MountTable;
import io.wormhole.daemon.fuse.mounts.StaleMounts;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A mount goes away when asked to, whoever asks and whatever goes on in it. */
@OnEveryBackend
class UnmountMountTest {
  private final TestedBackend backend;
  private final MemoryFileSystem files = new MemoryFileSystem();
  private final Gates gate = new Gates();

  UnmountMountTest(TestedBackend backend) {
    this.backend = backend;
  }

  @AfterEach
  void openTheGate() {
    gate.open();
  }

  @Test
  void anIdleMountIsUnmountedAndAskingAgainDoesNothing() throws Exception {
    files.root.file("file", new byte[10]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(Files.size(mounted.path("file"))).isEqualTo(10);
      assertThat(mounted.mount.ended()).isNotDone();
      mounted.mount.unmount();
      assertThat(mounted.isMounted()).isFalse();
      mounted.awaitEnd();
      mounted.mount.unmount();
      mounted.mount.forceUnmount();
    }
  }

  @Test
  void aBusyMountStaysAndSaysThatItIsBusy() throws Exception {
    files.root.file("file", new byte[10]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      try (InputStream open = Files.newInputStream(mounted.path("file"))) {
        assertThatThrownBy(mounted.mount::unmount)
            .isInstanceOf(MountBusyException.class)
            .hasMessageContaining(mounted.directory + " is busy");
        assertThat(open.readAllBytes()).hasSize(10);
      }
      mounted.mount.unmount();
      mounted.awaitEnd();
    }
  }

  @Test
  void whoeverUnmountsTheEndIsTold() throws Exception {
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(Program.run("umount", mounted.directory.toString()).status()).isZero();
      mounted.awaitEnd();
    }
  }

  @Test
  void forceEndsPendingReadsWithAnErrorAndInterruptsTheirCalls() throws Exception {
    files.root.file("file", 1 << 20, offset -> 1);
    files.readGate = gate;
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Program cat = Program.start("cat", mounted.path("file").toString());
      Program dd = Program.start("dd", "if=" + mounted.path("file"), "iflag=direct", "bs=4k");
      assertThat(gate.awaitArrived(2)).isTrue();
      mounted.mount.forceUnmount();
      assertThat(mounted.mount.ended()).isDone();
      assertThat(mounted.isMounted()).isFalse();
      assertThat(gate.awaitInterrupted(2)).isTrue();
      assertThat(cat.result().status()).isEqualTo(1);
      assertThat(dd.result().status()).isEqualTo(1);
      mounted.awaitEnd();
    }
  }

  @Test
  void forceWorksWhileCallsHeedNoInterrupt() throws Exception {
    files.root.file("file", 1 << 20, offset -> 1);
    files.readGate = gate::passUninterruptibly;
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Program dd = Program.start("dd", "if=" + mounted.path("file"), "iflag=direct", "bs=4k");
      assertThat(gate.awaitArrived(1)).isTrue();
      mounted.mount.forceUnmount();
      assertThat(mounted.mount.ended()).isDone();
      assertThat(dd.result().status()).isEqualTo(1);
      assertThat(files.destroyed.getCount()).as("a call is under way").isEqualTo(1);
      gate.open();
      mounted.awaitEnd();
    }
  }

  @Test
  void forceReachesAMountThatWasDetachedBySomebodyElse() throws Exception {
    files.root.file("file", 1 << 20, offset -> 1);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      forceReachesWhatWasDetached(mounted);
    }
  }

  private static void forceReachesWhatWasDetached(MountedFileSystem mounted) throws Exception {
    // The kernel learns that it need not ask when a file is closed.
    FileChannel.open(mounted.path("file")).close();
    try (FileChannel open = FileChannel.open(mounted.path("file"))) {
      assertThat(open.size()).isEqualTo(1 << 20);
      assertThat(Program.run("umount", "-l", mounted.directory.toString()).status()).isZero();
      assertThat(mounted.mount.ended()).isNotDone();
      mounted.mount.unmount();
      assertThat(mounted.mount.ended()).isNotDone();
      mounted.mount.forceUnmount();
      assertThat(mounted.mount.ended()).isDone();
      assertThatThrownBy(() -> open.read(ByteBuffer.allocate(10))).isInstanceOf(IOException.class);
    }
  }

  @Test
  void anUnmountThatMeetsAReadAheadOfNobodyInterruptsIt() throws Exception {
    files.root.file("file", 1 << 20, offset -> 1);
    files.readGate = gate;
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Program cat = Program.start("cat", mounted.path("file").toString());
      assertThat(gate.awaitArrived(1)).isTrue();
      cat.signal("KILL");
      assertThat(cat.result().status()).isEqualTo(128 + 9);
      mounted.mount.unmount();
      assertThat(mounted.isMounted()).isFalse();
      assertThat(gate.awaitInterrupted(1)).isTrue();
      mounted.awaitEnd();
    }
  }

  @Test
  void aMountBelowAnotherOneSaysWhichAndStays() throws Exception {
    files.root.file("file", new byte[10]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      String directory = mounted.directory.toString();
      assertThat(Program.run("mount", "-t", "tmpfs", "cover", directory).status()).isZero();
      try {
        assertThat(mounted.mount.place().orElseThrow().cover()).hasValue("cover (tmpfs)");
        assertThatThrownBy(mounted.mount::unmount)
            .isInstanceOf(MountCoveredException.class)
            .hasMessage("cover (tmpfs) is mounted over " + directory);
      } finally {
        assertThat(Program.run("umount", directory).status()).isZero();
      }
      assertThat(mounted.mount.place().orElseThrow().cover()).isEmpty();
      assertThat(Files.size(mounted.path("file"))).isEqualTo(10);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"politely", "by force", "aborted"})
  void aMountIsFoundWhereAFolderAboveItWasRenamed(String how) throws Exception {
    Path scratch = Files.createTempDirectory("wormhole moved").toRealPath();
    Path above = Files.createDirectory(scratch.resolve("above"));
    Path directory = Files.createDirectory(above.resolve("mount point"));
    KernelMount mount =
        backend.create(Duration.ZERO).mount(new MountOptions(directory, "share"), files);
    try {
      Path renamed = Files.move(above, scratch.resolve("renamed"));
      Path now = renamed.resolve("mount point");
      assertThat(mount.place()).hasValue(new MountPlace(now, Optional.empty()));
      switch (how) {
        case "politely" -> mount.unmount();
        case "by force" -> mount.forceUnmount();
        default ->
            assertThat(
                    ConnectionAbort.abort(
                        MountTable.read().at(now.toString()).orElseThrow().device()))
                .isTrue();
      }
      mount.ended().get(10, TimeUnit.SECONDS);
      assertThat(MountTable.read().at(now.toString())).isEmpty();
      assertThat(mount.place()).isEmpty();
      Files.delete(now);
      Files.delete(renamed);
    } finally {
      mount.forceUnmount();
    }
    Files.delete(scratch);
  }

  @Test
  void anAbortedConnectionLeavesNoDeadMount() throws Exception {
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      String device = MountTable.read().at(mounted.directory.toString()).orElseThrow().device();
      assertThat(ConnectionAbort.abort(device)).isTrue();
      mounted.awaitEnd();
      assertThat(mounted.isMounted()).isFalse();
    }
  }

  @Test
  void aMountOfALiveDaemonIsNeverCleared() throws Exception {
    files.getattrGate = gate;
    files.validFor = Duration.ZERO;
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(StaleMounts.clear(List.of(mounted.directory)))
          .as("one that does not answer")
          .isEmpty();
      gate.open();
      assertThat(StaleMounts.clear(List.of(mounted.directory))).isEmpty();
      assertThat(mounted.isMounted()).isTrue();
    }
  }

  @Test
  void mountsOfAKilledDaemonAreClearedAndOnlyThose() throws Exception {
    Path below = Files.createTempDirectory("wormhole stale").toRealPath();
    Path directory = Files.createDirectory(below.resolve("mount point"));
    OtherDaemon daemon = OtherDaemon.start(backend, directory);
    try {
      assertThat(daemon.answer()).isEqualTo("mounted");
      assertThat(StaleMounts.clear(List.of(below))).as("alive").isEmpty();
      daemon.kill();
      assertThat(Program.run("stat", directory.toString()).errors())
          .contains("Transport endpoint is not connected");
      assertThat(StaleMounts.clear(List.of(below.resolve("else/where")))).isEmpty();
      assertThat(StaleMounts.clear(List.of(below))).containsExactly(directory);
      assertThat(MountTable.read().at(directory.toString())).isEmpty();
    } finally {
      daemon.kill();
      Program.run("umount", "-l", directory.toString());
      Files.delete(directory);
      Files.delete(below);
    }
  }
}
