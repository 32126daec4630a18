package io.wormhole.cache;

import java.io.IOException;

/** A chunk could not be had. What kind it is decides what a reader is told. */
public abstract sealed class ChunkException extends IOException
    permits CacheBusyException, CacheClosedException, ChunkLoadException, CorruptChunkException {
  private static final long serialVersionUID = 1L;

  ChunkException(String message) {
    super(message);
  }

  ChunkException(String message, Throwable cause) {
    super(message, cause);
  }
}
