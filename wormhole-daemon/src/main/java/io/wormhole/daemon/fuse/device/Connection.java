package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.KernelNotifier;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import io.wormhole.daemon.fuse.mounts.Libc;
import io.wormhole.daemon.fuse.mounts.ServedConnection;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A connection to the kernel and its readers, {@code fuse-N}: each takes requests and gives them to
 * the dispatcher until the kernel says that the connection is over. Started once; over for good
 * after that. Until then at least one reader is in no call of the file system.
 */
final class Connection implements ServedConnection {
  private static final long STACK_BYTES = 512 << 10;

  private final Device device;
  private final RequestDecoder decoder;
  private final Dispatcher dispatcher;
  private final DeviceNotifier notifier;
  private final FaultLog faults;
  private final Runnable atEnd;
  private final int readers;
  private final AtomicBoolean over = new AtomicBoolean();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();

  /**
   * @param readers how many threads read
   * @param atEnd run by the reader that sees the end, before it is told
   */
  Connection(
      Device device,
      RequestDecoder decoder,
      Dispatcher dispatcher,
      DeviceNotifier notifier,
      FaultLog faults,
      int readers,
      Runnable atEnd) {
    this.device = device;
    this.decoder = decoder;
    this.dispatcher = dispatcher;
    this.notifier = notifier;
    this.faults = faults;
    this.readers = readers;
    this.atEnd = atEnd;
  }

  void start() {
    for (int i = 0; i < readers; i++) {
      Thread.ofPlatform()
          .name("fuse-" + i)
          .daemon()
          .stackSize(STACK_BYTES)
          .inheritInheritableThreadLocals(false)
          .start(this::read);
    }
  }

  @Override
  public CompletableFuture<Void> ended() {
    return ended;
  }

  @Override
  public KernelNotifier notifier() {
    return notifier;
  }

  @Override
  public void interruptCalls() {
    dispatcher.interruptCalls();
  }

  @Override
  public void giveUp() {
    dispatcher.refuse();
    if (over.compareAndSet(false, true)) {
      end();
    }
  }

  private void read() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(Libc.ERRNO);
      MemorySegment buffer =
          arena.allocate(Abi.MIN_READ_BUFFER_BYTES + Handshake.MAX_WRITE_BYTES, 4096);
      while (true) {
        long bytes = device.read(buffer, errno);
        if (bytes >= Abi.InHeader.BYTES) {
          handle(buffer.asSlice(0, bytes));
        } else if (!goesOn(bytes)) {
          return;
        }
      }
    } catch (Throwable e) {
      faults.report("A reader of the FUSE device died", e);
    } finally {
      leave();
    }
  }

  private void handle(MemorySegment message) {
    try {
      dispatcher.dispatch(decoder.decode(message));
    } catch (Throwable e) {
      faults.report("A request of the kernel could not be dealt with", e);
      dispatcher.reply(message.get(JAVA_LONG, Abi.InHeader.UNIQUE), Errno.EIO);
    }
  }

  /** Whether a read that brought no request is followed by another one. */
  private boolean goesOn(long bytes) {
    int error = (int) -bytes;
    return switch (error) {
      // ENOENT: the request was taken back while it was being read.
      case Libc.ENOENT, Libc.EINTR, Libc.EAGAIN -> true;
      case Libc.ENODEV -> false;
      default -> {
        faults.report("Reading the FUSE device failed with error number " + error);
        yield false;
      }
    };
  }

  /**
   * The first reader that leaves ends the connection, the others may be in a call: the kernel tells
   * all of them the same.
   */
  private void leave() {
    if (over.compareAndSet(false, true)) {
      end();
    }
    dispatcher.letGo();
  }

  private void end() {
    notifier.stop();
    dispatcher.end();
    try {
      atEnd.run();
    } catch (RuntimeException e) {
      faults.report("The end of a mount could not be dealt with", e);
    } finally {
      ended.complete(null);
    }
  }
}
