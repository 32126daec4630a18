package io.wormhole.daemon.transport;

import java.lang.foreign.MemorySegment;

/**
 * Where the bytes of one arriving chunk go. Called on the event loop; ends with one of {@link
 * #complete} and {@link #failed}.
 */
public interface ChunkSink {
  /**
   * Memory of at least the header's length, written to while {@link #wanted}, until {@link
   * #complete} or {@link #failed}.
   */
  MemorySegment destination();

  /**
   * Asked before each piece is written: once false, for good, the memory is not touched any more,
   * and the rest of the chunk is skipped.
   */
  default boolean wanted() {
    return true;
  }

  /** All bytes have come, and are there if they were wanted; the memory is not touched any more. */
  void complete();

  /** The stream ended first; the memory is not touched any more. */
  void failed(LaneException why);
}
