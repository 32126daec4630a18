package io.wormhole.cache;

/** Bytes came, but not those their hash names. Nobody has seen them. */
public final class CorruptChunkException extends ChunkException {
  private static final long serialVersionUID = 1L;

  CorruptChunkException(ChunkKey key) {
    super(key + " was refused: its bytes do not match their hash");
  }
}
