package io.wormhole.cache;

/** The loader failed; the cause is what it failed with, and is the one to judge by. */
public final class ChunkLoadException extends ChunkException {
  private static final long serialVersionUID = 1L;

  ChunkLoadException(ChunkKey key, Throwable cause) {
    super(key + " did not come", cause);
  }
}
