package io.wormhole.daemon.transport;

import java.lang.foreign.MemorySegment;

/** Off-heap memory of a stream's allocator, owned by whoever holds it until sent or released. */
public interface Outbound {
  /** The bytes to fill, of the length that was asked for. */
  MemorySegment data();

  /** Gives the memory back unsent. */
  void release();
}
