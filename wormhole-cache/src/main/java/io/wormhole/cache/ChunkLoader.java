package io.wormhole.cache;

import io.wormhole.protocol.hash.ChunkHash;
import java.lang.foreign.MemorySegment;

/** Where a chunk comes from when the cache does not have it. */
@FunctionalInterface
public interface ChunkLoader {
  /** The most bytes that a chunk has. */
  int CHUNK_BYTES = 128 << 10;

  /** The most bytes that the chunk has which this loads, 1 to {@link #CHUNK_BYTES}. */
  default int mostBytes() {
    return CHUNK_BYTES;
  }

  /**
   * Whether it has a way to bring anything; where not, what is on a slow disk is waited for as long
   * as its reader has time.
   */
  default boolean hasWay() {
    return true;
  }

  /**
   * Begins to load a chunk. Must not wait. Called on the thread of a reader, or on a verifying one
   * when memory became free later.
   *
   * @param destination {@link #mostBytes} or more of the cache's own off-heap memory, written to by
   *     any thread until the load's {@link PendingLoad#arrival} has completed, and never after; if
   *     this method throws, not at all
   */
  PendingLoad load(ChunkKey key, MemorySegment destination);

  /**
   * As {@link #load(ChunkKey, MemorySegment)}, where a chunk that is here may be the one.
   *
   * @param known its hash; if the chunk has it, {@link Arrival#known} may be what arrives
   */
  default PendingLoad load(ChunkKey key, ChunkHash known, MemorySegment destination) {
    return load(key, destination);
  }
}
