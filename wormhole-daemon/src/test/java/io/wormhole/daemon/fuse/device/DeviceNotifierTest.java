package io.wormhole.daemon.fuse.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.fuse.Gates;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.MemoryFileSystem;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import io.wormhole.daemon.fuse.mounts.Libc;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is written and when, with a plain file in the place of the device, and a call that lasts for
 * as long as the test wants.
 */
class DeviceNotifierTest {
  private static final int O_APPEND = 02000;
  private static final long PATIENCE_SECONDS = 10;

  @TempDir Path scratch = Path.of("/nonexistent");
  private final MemoryFileSystem files = new MemoryFileSystem();
  private final Gates gate = new Gates();
  private Path device = Path.of("/nonexistent");
  private Dispatcher dispatcher;
  private DeviceNotifier notifier;

  /** A message to the kernel that answers nothing: its code, and three numbers or a name. */
  private record Told(int code, long first, long second, long third, String name) {
    static Told inode(long node, long offset, long length) {
      return new Told(2, node, offset, length, "");
    }

    static Told entry(long parent, String name) {
      return new Told(3, parent, name.length(), 0, name + "\0");
    }
  }

  @BeforeEach
  void make() throws Exception {
    device = Files.createFile(scratch.resolve("device"));
    int descriptor = Libc.open(device.toString(), Libc.O_WRONLY | O_APPEND | Libc.O_CLOEXEC);
    assertThat(descriptor).isNotNegative();
    FaultLog faults = new FaultLog(System::nanoTime);
    Device written = new Device(descriptor);
    dispatcher =
        new Dispatcher(
            written,
            files,
            new ReplyPool(Handshake.DATA_BYTES_MAX, Handshake.DATA_BYTES_MAX),
            faults,
            1,
            10,
            System::nanoTime);
    notifier = new DeviceNotifier(written, dispatcher, faults, 3);
    files.getattrGate = gate;
    files.root.file("one", new byte[1]);
  }

  @AfterEach
  void end() throws Exception {
    gate.open();
    notifier.stop();
    dispatcher.letGo();
    assertThat(files.destroyed.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  /** A call on a node, which is over when the gate is opened. */
  private void call(long node) throws InterruptedException {
    dispatcher.dispatch(new Request.Getattr(7, node));
    assertThat(gate.awaitArrived(1)).isTrue();
  }

  /** Everything that was written but for replies, once there are so many. */
  private List<Told> awaitTold(int count) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    List<Told> told = told();
    while (told.size() < count) {
      assertThat(System.nanoTime()).as("%s", told).isLessThan(end);
      Thread.sleep(1);
      told = told();
    }
    return told;
  }

  private List<Told> told() throws Exception {
    List<Told> told = new ArrayList<>();
    ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(device)).order(ByteOrder.nativeOrder());
    while (all.remaining() >= 16) {
      ByteBuffer message = all.slice(all.position(), all.getInt(all.position()));
      message.order(ByteOrder.nativeOrder());
      all.position(all.position() + message.capacity());
      int code = message.getInt(4);
      if (code > 0) {
        assertThat(message.getLong(8)).as("answers no request").isZero();
        told.add(code == 2 ? inode(message) : entry(message));
      }
    }
    return told;
  }

  private static Told inode(ByteBuffer message) {
    assertThat(message.capacity()).isEqualTo(16 + 24);
    return Told.inode(message.getLong(16), message.getLong(24), message.getLong(32));
  }

  private static Told entry(ByteBuffer message) {
    byte[] name = new byte[message.capacity() - 32];
    message.get(32, name);
    return new Told(
        3,
        message.getLong(16),
        message.getInt(24),
        message.getInt(28),
        new String(name, StandardCharsets.ISO_8859_1));
  }

  @Test
  void whatNobodyIsAskedAboutIsToldSoon() throws Exception {
    assertThat(notifier.inode(5)).isTrue();
    assertThat(notifier.entry(6, MemoryFileSystem.bytes("n\u00ff"))).isTrue();
    assertThat(notifier.range(8, 4096, 10)).isTrue();
    assertThat(awaitTold(3))
        .containsExactlyInAnyOrder(
            Told.inode(5, 0, 0), Told.entry(6, "n\u00ff"), Told.inode(8, 4096, 10));
  }

  @Test
  void aNoticeWaitsForTheCallsOnItsNodeAndForNoOthers() throws Exception {
    call(KernelFileSystem.ROOT);
    assertThat(notifier.inode(KernelFileSystem.ROOT)).isTrue();
    assertThat(notifier.entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("one"))).isTrue();
    assertThat(notifier.inode(5)).isTrue();
    assertThat(awaitTold(1)).containsExactly(Told.inode(5, 0, 0));
    gate.open();
    assertThat(awaitTold(3))
        .contains(
            Told.inode(KernelFileSystem.ROOT, 0, 0), Told.entry(KernelFileSystem.ROOT, "one"));
  }

  @Test
  void aLookupMayBringAnyInodeAndIsWaitedFor() throws Exception {
    files.lookupGate = gate;
    dispatcher.dispatch(
        new Request.Lookup(7, KernelFileSystem.ROOT, MemoryFileSystem.bytes("one")));
    assertThat(gate.awaitArrived(1)).isTrue();
    assertThat(notifier.inode(5)).isTrue();
    assertThat(notifier.entry(6, MemoryFileSystem.bytes("other"))).isTrue();
    assertThat(awaitTold(1)).containsExactly(Told.entry(6, "other"));
    gate.open();
    assertThat(awaitTold(2)).contains(Told.inode(5, 0, 0));
  }

  @Test
  void rangesThatWaitBecomeOneThatSpansThem() throws Exception {
    call(KernelFileSystem.ROOT);
    notifier.range(KernelFileSystem.ROOT, 100, 10);
    notifier.range(KernelFileSystem.ROOT, 50, 10);
    notifier.range(KernelFileSystem.ROOT, 200, 1);
    gate.open();
    assertThat(awaitTold(1)).containsExactly(Told.inode(KernelFileSystem.ROOT, 50, 151));
    notifier.range(5, 1, Long.MAX_VALUE);
    assertThat(awaitTold(2)).contains(Told.inode(5, 1, 0));
  }

  @Test
  void pastTheLimitOnlyWhatJoinsAnotherNoticeIsTakenIn() throws Exception {
    call(KernelFileSystem.ROOT);
    assertThat(notifier.entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("a"))).isTrue();
    assertThat(notifier.entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("b"))).isTrue();
    assertThat(notifier.inode(KernelFileSystem.ROOT)).isTrue();
    assertThat(notifier.entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("c"))).isFalse();
    assertThat(notifier.entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("b"))).isTrue();
    gate.open();
    assertThat(awaitTold(3)).hasSize(3);
    assertThat(notifier.entry(KernelFileSystem.ROOT, MemoryFileSystem.bytes("c"))).isTrue();
    assertThat(awaitTold(4)).contains(Told.entry(KernelFileSystem.ROOT, "c"));
  }

  @Test
  void afterTheEndNothingIsTakenIn() {
    notifier.stop();
    assertThat(notifier.inode(5)).isFalse();
  }

  @Test
  void nonsenseIsRefused() {
    assertThatThrownBy(() -> notifier.range(5, -1, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> notifier.range(5, 0, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> notifier.entry(5, new byte[0]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> notifier.entry(5, new byte[256]))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
