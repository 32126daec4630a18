package io.wormhole.cache;

import io.wormhole.cache.ram.Chunk;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/**
 * One reader's claim to a chunk: there already, or on its way. It is settled once, by {@link
 * #await} or by {@link #abandon}; a claim that is not settled keeps its chunk in memory.
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
   * Gives the claim up. Does nothing once it is settled. A load that has begun goes on, and its
   * chunk is kept for the next reader.
   */
  void abandon();
}
