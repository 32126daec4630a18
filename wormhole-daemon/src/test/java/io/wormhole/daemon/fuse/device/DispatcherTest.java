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

  /** Of two, one may wait in a call; one alone may not. */
  private int readers = 2;

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
        new ReplyPool(Handshake.DATA_BYTES_MAX, Handshake.DATA_BYTES_MAX),
        new FaultLog(System::nanoTime),
        readers,
        10,
        System::nanoTime);
  }

  private void leave(Dispatcher dispatcher) {
    for (int reader = 0; reader < readers; reader++) {
      dispatcher.letGo();
    }
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
  @ValueSource(ints = {1, 2})
  void whatTheKernelDoesNotTakeIsGivenBack(int count) throws Exception {
    readers = count;
    Dispatcher dispatcher = dispatcher(0);
    dispatcher.dispatch(
        new Request.Lookup(1, KernelFileSystem.ROOT, MemoryFileSystem.bytes("one")));
    dispatcher.dispatch(new Request.Open(2, KernelFileSystem.ROOT));
    dispatcher.dispatch(new Request.Opendir(3, KernelFileSystem.ROOT));
    long handle = files.opendir(KernelFileSystem.ROOT);
    dispatcher.dispatch(new Request.Readdir(4, KernelFileSystem.ROOT, handle, 0, 4096, true));
    leave(dispatcher);
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
    dispatcher.dispatch(new Request.Readdir(4, KernelFileSystem.ROOT, handle, 0, 4096, true));
    assertThat(onlyReply()).isEqualTo(new Header(16, -Errno.EIO.code(), 4));
    files.releasedir(KernelFileSystem.ROOT, handle);
    assertThat(files.heldByKernel()).isZero();
    leave(dispatcher);
  }

  @Test
  void anInterruptThatFindsNoCallIsSentBack() throws Exception {
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    dispatcher.dispatch(new Request.Interrupt(9, 8));
    assertThat(onlyReply()).isEqualTo(new Header(16, -Errno.EAGAIN.code(), 9));
    leave(dispatcher);
  }

  @Test
  void forgetsAreNotAnswered() throws Exception {
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    long node = files.lookup(KernelFileSystem.ROOT, MemoryFileSystem.bytes("one")).node();
    dispatcher.dispatch(new Request.Forget(5, new long[] {node}, new long[] {1}));
    assertThat(files.heldByKernel()).isZero();
    assertThat(Files.size(device())).isZero();
    leave(dispatcher);
  }

  @Test
  void theEndInterruptsCallsAndIsToldAfterTheLastOfThem() throws Exception {
    readers = 1;
    Gates gate = new Gates();
    files.getattrGate = gate::passUninterruptibly;
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    dispatcher.dispatch(new Request.Getattr(6, KernelFileSystem.ROOT));
    assertThat(gate.awaitArrived(1)).isTrue();
    dispatcher.end();
    leave(dispatcher);
    assertThat(gate.awaitInterrupted(1)).isTrue();
    assertThat(files.destroyed.getCount()).isEqualTo(1);
    gate.open();
    assertThat(files.destroyed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(onlyReply().unique()).isEqualTo(6);
  }

  @Test
  void whoIsRefusedHearsSoAtOnceAndTheFileSystemHearsNothing() throws Exception {
    readers = 1;
    Gates gate = new Gates();
    files.getattrGate = gate::passUninterruptibly;
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    dispatcher.dispatch(new Request.Getattr(6, KernelFileSystem.ROOT));
    assertThat(gate.awaitArrived(1)).isTrue();
    dispatcher.refuse();
    assertThat(onlyReply()).isEqualTo(new Header(16, -Errno.EIO.code(), 6));
    dispatcher.dispatch(
        new Request.Lookup(7, KernelFileSystem.ROOT, MemoryFileSystem.bytes("one")));
    dispatcher.dispatch(new Request.Release(8, KernelFileSystem.ROOT, 4711));
    dispatcher.dispatch(new Request.Forget(9, new long[] {4711}, new long[] {1}));
    gate.open();
    leave(dispatcher);
    assertThat(files.destroyed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(Files.size(device())).as("three replies, each to another request").isEqualTo(48);
    assertThat(files.lookups).hasValue(0);
    assertThat(files.violations).isEmpty();
  }

  @Test
  void whereCallsWaitedNoReaderIsKeptByTheNext() throws Exception {
    Gates gate = new Gates();
    files.getattrGate =
        node -> Thread.sleep(Duration.ofNanos(SlowCalls.WAITED_NANOS).plusMillis(1));
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    dispatcher.dispatch(new Request.Getattr(6, KernelFileSystem.ROOT));
    assertThat(onlyReply().unique()).as("answered by the reader").isEqualTo(6);
    files.getattrGate = gate;
    dispatcher.dispatch(new Request.Getattr(7, KernelFileSystem.ROOT));
    assertThat(gate.awaitArrived(1)).as("on a thread of its own").isTrue();
    gate.open();
    leave(dispatcher);
    assertThat(files.destroyed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void oneReaderIsAlwaysInNoCall() throws Exception {
    Gates gate = new Gates();
    files.getattrGate = gate;
    Dispatcher dispatcher = dispatcher(Libc.O_RDWR | O_APPEND);
    Thread reader =
        Thread.ofPlatform()
            .start(() -> dispatcher.dispatch(new Request.Getattr(6, KernelFileSystem.ROOT)));
    assertThat(gate.awaitArrived(1)).isTrue();
    dispatcher.dispatch(new Request.Getattr(7, KernelFileSystem.ROOT));
    assertThat(gate.awaitArrived(1)).isTrue();
    assertThat(reader.isAlive()).as("waits in its call").isTrue();
    gate.open();
    assertThat(reader.join(PATIENCE)).isTrue();
    leave(dispatcher);
    assertThat(files.destroyed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
  }
}
