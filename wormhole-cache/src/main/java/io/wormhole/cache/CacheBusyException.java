package io.wormhole.cache;

/** As many reads wait for memory as may wait; this one was turned away. */
public final class CacheBusyException extends ChunkException {
  private static final long serialVersionUID = 1L;

  CacheBusyException(ChunkKey key) {
    super(
        "%s was not read: %d reads wait for memory already; a larger cache in RAM helps"
            .formatted(key, SlotLine.WAITING_FLIGHTS));
  }
}
