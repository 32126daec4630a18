package io.wormhole.protocol.hash;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class Blake3PropertyTest {
  private static final int MAX_BYTES = 1 << 20;
  private static final int CHUNK_BYTES = 128 << 10;

  private final Blake3 plain = Blake3.plain();
  private final Blake3 vector = Blake3.vector();

  @Property(tries = 150)
  void anyLengthIsRight(@ForAll @IntRange(max = MAX_BYTES) int length, @ForAll long seed) {
    byte[] bytes = Samples.bytes(length, seed);
    MemorySegment segment = MemorySegment.ofArray(bytes);
    GroupHashes hashes = vector.hash(segment);
    assertThat(hashes.hash().bytes()).isEqualTo(org.apache.commons.codec.digest.Blake3.hash(bytes));
    assertThat(plain.hash(segment)).isEqualTo(hashes);
    assertThat(vector.verify(segment, hashes.hash().bytes(), hashes.chainingValues()).isIntact())
        .isTrue();
  }

  @Property(tries = 300)
  void aFlippedBitIsFoundInItsGroup(
      @ForAll @IntRange(min = 1, max = CHUNK_BYTES) int length, @ForAll long bit) {
    byte[] bytes = Samples.bytes(length, bit);
    MemorySegment segment = MemorySegment.ofArray(bytes);
    GroupHashes hashes = vector.hash(segment);
    int at = flip(bytes, bit);
    assertThat(vector.verify(segment, hashes.hash().bytes(), hashes.chainingValues()))
        .isEqualTo(new Verdict.BadGroup(at / Blake3.GROUP_BYTES));
  }

  @Property(tries = 100)
  void aFlippedBitOfTheHashIsFound(
      @ForAll @IntRange(max = CHUNK_BYTES) int length, @ForAll long bit) {
    MemorySegment segment = MemorySegment.ofArray(Samples.bytes(length, bit));
    GroupHashes hashes = vector.hash(segment);
    byte[] hash = hashes.hash().bytes();
    flip(hash, bit);
    assertThat(vector.verify(segment, hash, hashes.chainingValues()).isIntact()).isFalse();
  }

  @Property(tries = 100)
  void aFlippedBitOfAChainingValueIsFound(
      @ForAll @IntRange(min = Blake3.GROUP_BYTES + 1, max = CHUNK_BYTES) int length,
      @ForAll long bit) {
    MemorySegment segment = MemorySegment.ofArray(Samples.bytes(length, bit));
    GroupHashes hashes = vector.hash(segment);
    flip(hashes.chainingValues(), bit);
    assertThat(vector.verify(segment, hashes.hash().bytes(), hashes.chainingValues()))
        .isEqualTo(new Verdict.BadChainingValues());
  }

  /** Returns the index of the byte. */
  private static int flip(byte[] bytes, long bit) {
    int at = Math.floorMod(bit >> 3, bytes.length);
    bytes[at] ^= (byte) (1 << (bit & 7));
    return at;
  }
}
