package io.wormhole.cache.disk;

import java.nio.ByteBuffer;

/**
 * Names 512 chunks of one version of one file: a digest, so that no two have the same.
 *
 * @param high first 8 bytes
 * @param low last 8 bytes
 */
public record PageKey(long high, long low) {
  /** Chunks that a page names. */
  public static final int CHUNKS = 512;

  static final int BYTES = 2 * Long.BYTES;

  byte[] bytes() {
    return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
  }
}
