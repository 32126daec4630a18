package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.mounts.Libc;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An open descriptor of {@code /dev/fuse}, which belongs to one connection from the mount on.
 * Closing it ends the connection, but only once no thread is in {@link #read}.
 */
final class Device implements AutoCloseable {
  private final int descriptor;
  private final AtomicBoolean closed = new AtomicBoolean();

  Device(int descriptor) {
    this.descriptor = descriptor;
  }

  int descriptor() {
    return descriptor;
  }

  /** Waits for a request; its length in bytes, or a negated error number. */
  long read(MemorySegment buffer, MemorySegment errno) {
    return Libc.read(descriptor, buffer, buffer.byteSize(), errno);
  }

  /** Hands the kernel a whole reply; a negated error number if it does not take it. */
  long write(MemorySegment message, MemorySegment errno) {
    return Libc.write(descriptor, message, message.byteSize(), errno);
  }

  /** Closes the descriptor, once; whoever calls makes sure that nobody reads or writes any more. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      Libc.close(descriptor);
    }
  }
}
