package io.wormhole.daemon.transport;

import java.lang.foreign.MemorySegment;

/** Where the bytes of one arriving chunk go. Called on the event loop. */
public interface ChunkSink {
  /**
   * Memory of at least the header's length, written to until {@link #complete} or {@link #failed}.
   */
  MemorySegment destination();

  /** All bytes are there; the memory is not touched any more. */
  void complete();

  /** The stream ended first; the memory is not touched any more. */
  void failed(LaneException why);
}
