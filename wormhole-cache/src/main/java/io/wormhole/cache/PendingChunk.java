package io.wormhole.cache;

import io.wormhole.cache.ram.Chunk;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/**
 * One reader's claim to a chunk: there already, or on its way. It is settled once, by {@link
 * #await}, {@link #copy} or {@link #abandon}; a claim that is not settled keeps its chunk in
 * memory.
 */
public sealed interface PendingChunk permits ReadyChunk, ChunkInFlight {
  /** Whether {@link #await} would return, or throw, without waiting. */
  boolean isDone();

  /**
   * Waits for the chunk. The caller releases it once. If this throws, whatever it throws, the claim
   * is given up, and there is nothing to release; other readers of the chunk are not touched.
   *
   * @param atMost how long to wait; nothing or less asks without waiting
   * @throws TimeoutException if it has not come by then
   * @throws ChunkException if it will not come
   * @throws IllegalStateException if the claim was settled before
   */
  Chunk await(Duration atMost) throws IOException, TimeoutException, InterruptedException;

  /**
   * Waits for some of the chunk's bytes and copies them, which may be before the rest is there.
   * Settles the claim as {@link #await} does, and throws what that throws. The rest comes too, as
   * far as there is room for what nobody waits for.
   *
   * @param from the first byte's place in the chunk
   * @param destination as long as what is wanted, which must not reach past the chunk's end
   */
  default void copy(int from, MemorySegment destination, Duration atMost)
      throws IOException, TimeoutException, InterruptedException {
    Chunk chunk = await(atMost);
    try {
      MemorySegment.copy(chunk.bytes(), from, destination, 0, destination.byteSize());
    } finally {
      chunk.release();
    }
  }

  /**
   * Gives the claim up. Does nothing once it is settled. A load that has begun goes on, and its
   * chunk is kept for the next reader.
   */
  void abandon();
}
