package io.wormhole.daemon.transport;

import java.lang.foreign.MemorySegment;

/** Where the bytes of one arriving chunk go. Called on the event loop. */
public interface ChunkSink {
  /**
   * Memory of at least the header's length, written to while {@link #wanted}, until {@link
   * #complete} or {@link #failed}.
   */
  MemorySegment destination();

  /**
   * Asked before each piece is written: once false, the memory is not touched any more, the rest of
   * the chunk is skipped, and neither {@link #complete} nor {@link #failed} is called.
   */
  default boolean wanted() {
    return true;
  }

  /** All bytes are there; the memory is not touched any more. */
  void complete();

  /** The stream ended first; the memory is not touched any more. */
  void failed(LaneException why);
}
