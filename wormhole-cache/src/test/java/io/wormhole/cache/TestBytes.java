package io.wormhole.cache;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.cache.ram.Chunk;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.GroupHashes;
import java.lang.foreign.MemorySegment;

/** Chunks whose every eighth byte on tells which chunk they are of. */
final class TestBytes {
  static final FileVersion FILE = new FileVersion(1, 2, 3, 4, 5, 6);
  static final Blake3 BLAKE3 = Blake3.plain();

  private TestBytes() {}

  static ChunkKey key(long index) {
    return new ChunkKey(FILE, index);
  }

  /** Fills a destination and says what came. */
  static Arrival fill(ChunkKey key, MemorySegment destination, int length) {
    MemorySegment bytes = destination.asSlice(0, length);
    for (long at = 0; at + Long.BYTES <= length; at += Long.BYTES) {
      bytes.set(JAVA_LONG_UNALIGNED, at, word(key, at));
    }
    GroupHashes hashes = BLAKE3.hash(bytes);
    return new Arrival(length, hashes.hash().bytes(), hashes.chainingValues(), false);
  }

  /** The bytes of a range that is filled already, as they come by themselves. */
  static Part part(MemorySegment destination, int from, int to) {
    GroupHashes hashes = BLAKE3.hash(destination.asSlice(from, to - from));
    return new Part(
        from, new Arrival(to - from, hashes.hash().bytes(), hashes.chainingValues(), false));
  }

  static void assertIsChunk(ChunkKey key, Chunk chunk) {
    MemorySegment bytes = chunk.bytes();
    for (long at = 0; at + Long.BYTES <= bytes.byteSize(); at += Long.BYTES) {
      long word = bytes.get(JAVA_LONG_UNALIGNED, at);
      if (word != word(key, at)) {
        assertThat(word).as("%s at %d", key, at).isEqualTo(word(key, at));
      }
    }
  }

  private static long word(ChunkKey key, long at) {
    return (key.hashCode() * 0x9E3779B97F4A7C15L) ^ (key.index() << 32) ^ at;
  }
}
