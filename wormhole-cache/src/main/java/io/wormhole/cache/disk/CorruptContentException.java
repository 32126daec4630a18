package io.wormhole.cache.disk;

import io.wormhole.protocol.hash.ChunkHash;
import java.io.IOException;

/** Other bytes stand on disk than the hash says. */
final class CorruptContentException extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient ChunkHash hash;

  CorruptContentException(ChunkHash hash) {
    super("the disk holds other bytes for " + hash);
    this.hash = hash;
  }

  /** Whose bytes they are not. */
  ChunkHash hash() {
    return hash;
  }
}
