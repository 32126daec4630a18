package io.wormhole.protocol.hash;

import java.util.Arrays;

/**
 * A chunk's hash and what it is made of.
 *
 * @param hash of the whole chunk
 * @param chainingValues 32 bytes for each group of 16 KiB, in order; empty when the chunk is one
 *     group or less, whose check is the hash itself. Owned by this record
 */
@SuppressWarnings("ArrayRecordComponent")
public record GroupHashes(ChunkHash hash, byte[] chainingValues) {
  @Override
  public boolean equals(Object other) {
    return other instanceof GroupHashes that
        && hash.equals(that.hash)
        && Arrays.equals(chainingValues, that.chainingValues);
  }

  @Override
  public int hashCode() {
    return hash.hashCode();
  }
}
