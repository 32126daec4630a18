package io.wormhole.cache;

/** The cache is closed, or was while the chunk was on its way. */
public final class CacheClosedException extends ChunkException {
  private static final long serialVersionUID = 1L;

  CacheClosedException(ChunkKey key) {
    super(key + " was not read: the cache is closed");
  }
}
