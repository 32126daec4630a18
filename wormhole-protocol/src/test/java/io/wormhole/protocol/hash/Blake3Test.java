package io.wormhole.protocol.hash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.Limits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The oracle is commons-codec's BLAKE3, which knows nothing of lanes or groups. */
class Blake3Test {
  private static final int KIB = 1024;

  static Stream<Blake3> engines() {
    return Stream.of(Blake3.plain(), Blake3.vector());
  }

  @ParameterizedTest
  @MethodSource("engines")
  void everyLengthToFourKibibytesIsRight(Blake3 blake3) {
    byte[] bytes = Samples.bytes(4 * KIB, 1);
    for (int length = 0; length <= bytes.length; length++) {
      checkHash(blake3, Arrays.copyOf(bytes, length));
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void everyBorderIsRight(Blake3 blake3) {
    byte[] bytes = Samples.bytes(1024 * KIB + 3, 2);
    IntStream leaves = IntStream.rangeClosed(1, 140).map(leaf -> leaf * KIB);
    IntStream groups = IntStream.rangeClosed(1, 17).map(group -> group * 16 * KIB);
    IntStream beyond = IntStream.of(512 * KIB, 1024 * KIB);
    IntStream.concat(IntStream.concat(leaves, groups), beyond)
        .flatMap(border -> IntStream.rangeClosed(border - 3, border + 3))
        .forEach(length -> checkHash(blake3, Arrays.copyOf(bytes, length)));
  }

  private static void checkHash(Blake3 blake3, byte[] bytes) {
    GroupHashes hashes = blake3.hash(MemorySegment.ofArray(bytes));
    byte[] values = hashes.chainingValues();
    byte[] expected = org.apache.commons.codec.digest.Blake3.hash(bytes);
    assertThat(hashes.hash().bytes()).as("%d bytes", bytes.length).isEqualTo(expected);
    int groups = bytes.length <= 16 * KIB ? 0 : (bytes.length + 16 * KIB - 1) / (16 * KIB);
    assertThat(values).hasSize(32 * groups);
    if (groups > 0) {
      assertThat(blake3.root(values)).isEqualTo(hashes.hash());
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void emptyInputHasThePublishedHash(Blake3 blake3) {
    assertThat(blake3.hash(MemorySegment.ofArray(new byte[0])).hash())
        .hasToString("af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
  }

  @ParameterizedTest
  @MethodSource("engines")
  void everyGroupIsCheckedAlone(Blake3 blake3) {
    byte[] bytes = Samples.bytes(7 * 16 * KIB + 5000, 3);
    MemorySegment chunk = MemorySegment.ofArray(bytes);
    byte[] values = blake3.hash(chunk).chainingValues();
    for (int group = 0; group < 8; group++) {
      long from = (long) group * 16 * KIB;
      MemorySegment slice = chunk.asSlice(from, Math.min(16 * KIB, chunk.byteSize() - from));
      for (int index = 0; index < 8; index++) {
        assertThat(blake3.verifyGroup(index, slice, values)).isEqualTo(index == group);
      }
      assertThat(blake3.verifyGroup(group, slice.asSlice(0, slice.byteSize() - 1), values))
          .isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void theKindAndAlignmentOfMemoryMakeNoDifference(Blake3 blake3) {
    byte[] bytes = Samples.bytes(128 * KIB, 4);
    GroupHashes expected = blake3.hash(MemorySegment.ofArray(bytes));
    try (Arena arena = Arena.ofConfined()) {
      for (int shift : new int[] {0, 1, 2, 3, 7, 31, 33}) {
        MemorySegment offHeap = arena.allocate(bytes.length + shift, 64).asSlice(shift);
        offHeap.copyFrom(MemorySegment.ofArray(bytes));
        assertThat(blake3.hash(offHeap)).isEqualTo(expected);
        byte[] shifted = new byte[bytes.length + shift];
        System.arraycopy(bytes, 0, shifted, shift, bytes.length);
        assertThat(blake3.hash(MemorySegment.ofArray(shifted).asSlice(shift))).isEqualTo(expected);
      }
      MemorySegment longs = MemorySegment.ofArray(new long[bytes.length / Long.BYTES]);
      longs.copyFrom(MemorySegment.ofArray(bytes));
      assertThat(blake3.hash(longs.asReadOnly())).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void threadsDoNotDisturbEachOther(Blake3 blake3) throws Exception {
    int threads = 4;
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int thread = 0; thread < threads; thread++) {
        byte[] bytes = Samples.bytes((20 + 30 * thread) * KIB + thread, thread);
        byte[] expected = org.apache.commons.codec.digest.Blake3.hash(bytes);
        MemorySegment segment = MemorySegment.ofArray(bytes);
        results.add(
            pool.submit(() ->
                IntStream.range(0, 200)
                    .allMatch(i -> Arrays.equals(blake3.hash(segment).hash().bytes(), expected))));
      }
      for (Future<Boolean> result : results) {
        assertThat(result.get(30, TimeUnit.SECONDS)).isTrue();
      }
    }
  }

  @Test
  void chainingValuesOfTheWrongNumberAreNoVerdictOnBytes() {
    Blake3 blake3 = Blake3.plain();
    byte[] small = Samples.bytes(100, 5);
    byte[] large = Samples.bytes(40 * KIB, 6);
    GroupHashes ofSmall = blake3.hash(MemorySegment.ofArray(small));
    GroupHashes ofLarge = blake3.hash(MemorySegment.ofArray(large));
    Verdict bad = new Verdict.BadChainingValues();
    assertThat(verify(blake3, small, ofSmall.hash(), new byte[32])).isEqualTo(bad);
    assertThat(verify(blake3, large, ofLarge.hash(), new byte[0])).isEqualTo(bad);
    assertThat(verify(blake3, large, ofLarge.hash(), Arrays.copyOf(ofLarge.chainingValues(), 64)))
        .isEqualTo(bad);
    assertThat(verify(blake3, large, ofLarge.hash(), Arrays.copyOf(ofLarge.chainingValues(), 95)))
        .isEqualTo(bad);
    assertThat(verify(blake3, large, ofSmall.hash(), ofLarge.chainingValues())).isEqualTo(bad);
    assertThat(verify(blake3, large, ofLarge.hash(), ofLarge.chainingValues()).isIntact()).isTrue();
    assertThat(verify(blake3, small, ofSmall.hash(), new byte[0]).isIntact()).isTrue();
  }

  private static Verdict verify(Blake3 blake3, byte[] bytes, ChunkHash hash, byte[] values) {
    return blake3.verify(MemorySegment.ofArray(bytes), hash.bytes(), values);
  }

  @Test
  void hashOfAnotherLengthFitsNothing() {
    Blake3 blake3 = Blake3.plain();
    MemorySegment empty = MemorySegment.ofArray(new byte[0]);
    assertThat(blake3.verify(empty, new byte[0], new byte[0])).isEqualTo(new Verdict.BadGroup(0));
  }

  @Test
  void anImpossibleGroupIsRefused() {
    Blake3 blake3 = Blake3.plain();
    MemorySegment group = MemorySegment.ofArray(new byte[16 * KIB]);
    MemorySegment tooLong = MemorySegment.ofArray(new byte[16 * KIB + 1]);
    assertThatThrownBy(() -> blake3.verifyGroup(2, group, new byte[64]))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> blake3.verifyGroup(0, tooLong, new byte[64]))
        .isInstanceOf(IllegalArgumentException.class);
    MemorySegment none = MemorySegment.ofArray(new byte[0]);
    assertThatThrownBy(() -> blake3.verifyGroup(0, none, new byte[64]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> blake3.root(new byte[32]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> blake3.root(new byte[65]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void groupsAreTheWires() {
    assertThat(Blake3.GROUP_BYTES).isEqualTo(Limits.GROUP_BYTES);
    assertThat(ChunkHash.BYTES).isEqualTo(ChunkHeader.HASH_BYTES);
    Blake3 blake3 = Blake3.plain();
    for (int bytes : new int[] {0, 1, 16_384, 16_385, 32_768, 32_769, 131_072}) {
      byte[] values = blake3.hash(MemorySegment.ofArray(new byte[bytes])).chainingValues();
      assertThat(values).hasSize(ChunkHeader.groupsOf(bytes) * ChunkHeader.HASH_BYTES);
    }
  }
}
