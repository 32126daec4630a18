package io.wormhole.daemon.fuse.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.Gates;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.MemoryFileSystem;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import io.wormhole.daemon.fuse.mounts.Libc;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Replies and what becomes of those that the kernel does not take, with a plain file in the place
 * of the device: opened for reading only it takes none.
 */
class DispatcherTest {
  private static final int O_APPEND = 02000;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @TempDir Path scratch = Path.of("/nonexistent");
  private final MemoryFileSystem files = new MemoryFileSystem();

  @BeforeEach
  void makeFiles() {
    files.root.file("one", new byte[1]);
    files.root.file("two", new byte[2]);
  }

  private Path device() throws Exception {
    Path device = scratch.resolve("device");
    return Files.exists(device) ? device : Files.createFile(device);
  }

  private Dispatcher dispatcher(int flags) throws Exception {
    int descriptor = Libc.open(device().toString(), flags | Libc.O_CLOEXEC);
    assertThat(descriptor).isNotNegative();
    return new Dispatcher(
        new Device(descriptor),
        files,
        new ReplyPool(Handshake.DATA_BYTES_MAX, 4),
        new FaultLog(System::nanoTime),
        1,
        10);
  }

  /** The reply's header: length, error number, which request. */
  private record Header(int bytes, int error, long unique) {}

  private Header onlyReply() throws Exception {
    ByteBuffer reply = ByteBuffer.wrap(Files.readAllBytes(device())).order(ByteOrder.nativeOrder());
    Header header = new Header(reply.getInt(), reply.getInt(), reply.getLong());
    assertThat(header.bytes()).as("one whole reply").isEqualTo(reply.capacity());
    return header;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatTheKernelDoesNotTakeIsGivenBack(boolean mayWait) throws Exception {
    Dispatcher dispatcher = dispatcher(0);
    dispatcher.dispatch(
        new Request.Lookup(1, KernelFileSystem.ROOT, MemoryFileSystem.bytes("one")), mayWait);
    dispatcher.dispatch(new Request.Open(2, KernelFileSystem.ROOT), mayWait);
    dispatcher.dispatch(new Request.Opendir(3, KernelFileSystem.ROOT), mayWait);
    long handle = files.opendir(KernelFileSystem.ROOT);
    dispatcher.dispatch(
        new Request.Readdir(4, KernelFileSystem.ROOT, handle, 0, 4096, true), mayWait);
    dispatcher.letGo();
    assertThat(files.destroyed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    files.releasedir(KernelFileSystem.ROOT, handle);
    assertThat(files.lookups).hasValue(1);
    assertThat(files.awaitAllGivenBack(PATIENCE)).isTrue();
    assertThat(files.violations).isEmpty();
  }

  @Test
  void aListingThatFailsHalfWayGivesItsEntriesBack() throws Exception {
    files.listedGate =
        node -> {
          throw new ErrnoException(Errno.EIO);
        };
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    long handle = files.opendir(KernelFileSystem.ROOT);
    dispatcher.dispatch(new Request.Readdir(4, KernelFileSystem.ROOT, handle, 0, 4096, true), true);
    assertThat(onlyReply()).isEqualTo(new Header(16, -Errno.EIO.code(), 4));
    files.releasedir(KernelFileSystem.ROOT, handle);
    assertThat(files.heldByKernel()).isZero();
    dispatcher.letGo();
  }

  @Test
  void anInterruptThatFindsNoCallIsSentBack() throws Exception {
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    dispatcher.dispatch(new Request.Interrupt(9, 8), true);
    assertThat(onlyReply()).isEqualTo(new Header(16, -Errno.EAGAIN.code(), 9));
    dispatcher.letGo();
  }

  @Test
  void forgetsAreNotAnswered() throws Exception {
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    long node = files.lookup(KernelFileSystem.ROOT, MemoryFileSystem.bytes("one")).node();
    dispatcher.dispatch(new Request.Forget(5, new long[] {node}, new long[] {1}), true);
    assertThat(files.heldByKernel()).isZero();
    assertThat(Files.size(device())).isZero();
    dispatcher.letGo();
  }

  @Test
  void theEndInterruptsCallsAndIsToldAfterTheLastOfThem() throws Exception {
    Gates gate = new Gates();
    files.getattrGate = gate::passUninterruptibly;
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    dispatcher.dispatch(new Request.Getattr(6, KernelFileSystem.ROOT), false);
    assertThat(gate.awaitArrived(1)).isTrue();
    dispatcher.end();
    dispatcher.letGo();
    assertThat(gate.awaitInterrupted(1)).isTrue();
    assertThat(files.destroyed.getCount()).isEqualTo(1);
    gate.open();
    assertThat(files.destroyed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(onlyReply().unique()).isEqualTo(6);
  }

  @Test
  void whoIsRefusedHearsSoAtOnceAndTheFileSystemHearsNothing() throws Exception {
    Gates gate = new Gates();
    files.getattrGate = gate::passUninterruptibly;
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    dispatcher.dispatch(new Request.Getattr(6, KernelFileSystem.ROOT), false);
    assertThat(gate.awaitArrived(1)).isTrue();
    dispatcher.refuse();
    assertThat(onlyReply()).isEqualTo(new Header(16, -Errno.EIO.code(), 6));
    dispatcher.dispatch(
        new Request.Lookup(7, KernelFileSystem.ROOT, MemoryFileSystem.bytes("one")), true);
    dispatcher.dispatch(new Request.Release(8, KernelFileSystem.ROOT, 4711), true);
    dispatcher.dispatch(new Request.Forget(9, new long[] {4711}, new long[] {1}), true);
    gate.open();
    dispatcher.letGo();
    assertThat(files.destroyed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(Files.size(device())).as("three replies, each to another request").isEqualTo(48);
    assertThat(files.lookups).hasValue(0);
    assertThat(files.violations).isEmpty();
  }
}
