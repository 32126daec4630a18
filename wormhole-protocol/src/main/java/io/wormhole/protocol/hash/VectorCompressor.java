package io.wormhole.protocol.hash;

import static io.wormhole.protocol.hash.Parameters.BLOCKS_PER_LEAF;
import static io.wormhole.protocol.hash.Parameters.BLOCK_BYTES;
import static io.wormhole.protocol.hash.Parameters.BLOCK_WORDS;
import static io.wormhole.protocol.hash.Parameters.IV0;
import static io.wormhole.protocol.hash.Parameters.IV1;
import static io.wormhole.protocol.hash.Parameters.IV2;
import static io.wormhole.protocol.hash.Parameters.IV3;
import static io.wormhole.protocol.hash.Parameters.IV4;
import static io.wormhole.protocol.hash.Parameters.IV5;
import static io.wormhole.protocol.hash.Parameters.IV6;
import static io.wormhole.protocol.hash.Parameters.IV7;
import static io.wormhole.protocol.hash.Parameters.LEAF_BYTES;
import static io.wormhole.protocol.hash.Parameters.LEAF_END;
import static io.wormhole.protocol.hash.Parameters.LEAF_START;
import static io.wormhole.protocol.hash.Parameters.PARENT;
import static io.wormhole.protocol.hash.Parameters.VALUE_WORDS;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ROR;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The compression function on 4, 8 or 16 leaves at once, a leaf in each lane of the CPU's vectors
 * (BLAKE3 paper, section 5.3).
 *
 * <p>Vector w of the state and of the message is word w of every leaf, so a block of each leaf is
 * transposed before it is used. That takes sixteen vectors whatever their width, hence one code for
 * all widths, of which the JIT compiler drops the stages a narrower one does not have.
 *
 * <p>The shape of {@code transpose} and {@code compress} is what HotSpot turns into vector
 * instructions; anything else puts every vector on the heap and is ten to fifty times slower.
 * Vectors are locals, never elements of an array. The seven rounds are a loop: written out they are
 * too much for one compilation. No method of ours is called between the vectors' own: past {@code
 * NodeCountInliningCutoff} only those are still inlined. Nor is a vector a parameter: one that goes
 * round the loop stays boxed. Species, shuffles and masks are static constants. So there is little
 * to share and much to write out, and the class is long.
 *
 * <p>To be touched only where the module jdk.incubator.vector is present.
 */
final class VectorCompressor implements Compressor {
  private static final VectorSpecies<Integer> SPECIES = widest(IntVector.SPECIES_PREFERRED);
  private static final int LANES = SPECIES.length();

  /** Lanes cost what about two leaves one by one cost, however wide they are and few are filled. */
  private static final int FEWEST_LANES = 2;

  /** For each word a round takes: where its vector starts in the transposed message. */
  private static final int[] SCHEDULE = scaled(Parameters.schedule());

  private static final int[] NO_COUNTERS = new int[LANES];

  private static final VectorShuffle<Integer> SWAP_1 = swap(1);
  private static final VectorShuffle<Integer> SWAP_2 = swap(2);
  private static final VectorShuffle<Integer> SWAP_4 = swap(4);
  private static final VectorShuffle<Integer> SWAP_8 = swap(8);
  private static final VectorMask<Integer> UPPER_1 = upper(1);
  private static final VectorMask<Integer> UPPER_2 = upper(2);
  private static final VectorMask<Integer> UPPER_4 = upper(4);
  private static final VectorMask<Integer> UPPER_8 = upper(8);

  private final ScalarCompressor scalar;
  private final int[] message = new int[BLOCK_WORDS * LANES];
  private final int[] places = new int[BLOCK_WORDS];
  private final int[] counters = new int[LANES];
  private final int[] state = new int[VALUE_WORDS * LANES];

  /**
   * @param scalar takes what is too little for lanes
   */
  VectorCompressor(ScalarCompressor scalar) {
    this.scalar = scalar;
  }

  /** Leaves hashed at once. */
  static int lanes() {
    return LANES;
  }

  @Override
  public void leaves(
      MemorySegment input, long offset, int count, int counter, int[] values, int valuesAt) {
    int done = 0;
    while (count - done >= FEWEST_LANES) {
      int batch = Math.min(LANES, count - done);
      initialise();
      place(batch, counter + done);
      long at = offset + (long) done * LEAF_BYTES;
      for (int block = 0; block < BLOCKS_PER_LEAF; block++) {
        transpose(input, at + (long) block * BLOCK_BYTES, places, message);
        int flags = (block == 0 ? LEAF_START : 0) | (block == BLOCKS_PER_LEAF - 1 ? LEAF_END : 0);
        compress(message, state, counters, flags);
      }
      store(batch, values, valuesAt + done * VALUE_WORDS);
      done += batch;
    }
    long rest = offset + (long) done * LEAF_BYTES;
    scalar.leaves(input, rest, count - done, counter + done, values, valuesAt + done * VALUE_WORDS);
  }

  @Override
  public void parents(int[] values, int count) {
    int done = 0;
    while (count - done >= FEWEST_LANES) {
      int batch = Math.min(LANES, count - done);
      initialise();
      for (int lane = 0; lane < batch; lane++) {
        int from = (done + lane) * BLOCK_WORDS;
        for (int word = 0; word < BLOCK_WORDS; word++) {
          message[word * LANES + lane] = values[from + word];
        }
      }
      compress(message, state, NO_COUNTERS, PARENT);
      store(batch, values, done * VALUE_WORDS);
      done += batch;
    }
    for (int i = done; i < count; i++) {
      scalar.parent(values, i * BLOCK_WORDS, 0, values, i * VALUE_WORDS);
    }
  }

  private void initialise() {
    Arrays.fill(state, 0, LANES, IV0);
    Arrays.fill(state, LANES, 2 * LANES, IV1);
    Arrays.fill(state, 2 * LANES, 3 * LANES, IV2);
    Arrays.fill(state, 3 * LANES, 4 * LANES, IV3);
    Arrays.fill(state, 4 * LANES, 5 * LANES, IV4);
    Arrays.fill(state, 5 * LANES, 6 * LANES, IV5);
    Arrays.fill(state, 6 * LANES, 7 * LANES, IV6);
    Arrays.fill(state, 7 * LANES, 8 * LANES, IV7);
  }

  private void store(int batch, int[] values, int at) {
    for (int lane = 0; lane < batch; lane++) {
      for (int word = 0; word < VALUE_WORDS; word++) {
        values[at + lane * VALUE_WORDS + word] = state[word * LANES + lane];
      }
    }
  }

  /**
   * Brings word w of a block of every leaf together in vector w of {@code message}.
   *
   * <p>Vector {@code p × LANES + i} is loaded with words {@code p × LANES} and following of leaf i,
   * and ends with that word of every leaf: within each run of LANES vectors, number of vector and
   * number of lane change places. Stage s, a power of two, does so for one bit of the two numbers:
   * of two vectors s apart, the first gives its lanes with that bit set for the second's without.
   *
   * @param places where the sixteen vectors stand, from {@code at} on
   */
  private static void transpose(MemorySegment input, long at, int[] places, int[] message) {
    IntVector kept;
    IntVector v0 = IntVector.fromMemorySegment(SPECIES, input, at + places[0], LITTLE_ENDIAN);
    IntVector v1 = IntVector.fromMemorySegment(SPECIES, input, at + places[1], LITTLE_ENDIAN);
    IntVector v2 = IntVector.fromMemorySegment(SPECIES, input, at + places[2], LITTLE_ENDIAN);
    IntVector v3 = IntVector.fromMemorySegment(SPECIES, input, at + places[3], LITTLE_ENDIAN);
    IntVector v4 = IntVector.fromMemorySegment(SPECIES, input, at + places[4], LITTLE_ENDIAN);
    IntVector v5 = IntVector.fromMemorySegment(SPECIES, input, at + places[5], LITTLE_ENDIAN);
    IntVector v6 = IntVector.fromMemorySegment(SPECIES, input, at + places[6], LITTLE_ENDIAN);
    IntVector v7 = IntVector.fromMemorySegment(SPECIES, input, at + places[7], LITTLE_ENDIAN);
    IntVector v8 = IntVector.fromMemorySegment(SPECIES, input, at + places[8], LITTLE_ENDIAN);
    IntVector v9 = IntVector.fromMemorySegment(SPECIES, input, at + places[9], LITTLE_ENDIAN);
    IntVector v10 = IntVector.fromMemorySegment(SPECIES, input, at + places[10], LITTLE_ENDIAN);
    IntVector v11 = IntVector.fromMemorySegment(SPECIES, input, at + places[11], LITTLE_ENDIAN);
    IntVector v12 = IntVector.fromMemorySegment(SPECIES, input, at + places[12], LITTLE_ENDIAN);
    IntVector v13 = IntVector.fromMemorySegment(SPECIES, input, at + places[13], LITTLE_ENDIAN);
    IntVector v14 = IntVector.fromMemorySegment(SPECIES, input, at + places[14], LITTLE_ENDIAN);
    IntVector v15 = IntVector.fromMemorySegment(SPECIES, input, at + places[15], LITTLE_ENDIAN);
    kept = v0;
    v0 = kept.blend(v1.rearrange(SWAP_1), UPPER_1);
    v1 = kept.rearrange(SWAP_1).blend(v1, UPPER_1);
    kept = v2;
    v2 = kept.blend(v3.rearrange(SWAP_1), UPPER_1);
    v3 = kept.rearrange(SWAP_1).blend(v3, UPPER_1);
    kept = v4;
    v4 = kept.blend(v5.rearrange(SWAP_1), UPPER_1);
    v5 = kept.rearrange(SWAP_1).blend(v5, UPPER_1);
    kept = v6;
    v6 = kept.blend(v7.rearrange(SWAP_1), UPPER_1);
    v7 = kept.rearrange(SWAP_1).blend(v7, UPPER_1);
    kept = v8;
    v8 = kept.blend(v9.rearrange(SWAP_1), UPPER_1);
    v9 = kept.rearrange(SWAP_1).blend(v9, UPPER_1);
    kept = v10;
    v10 = kept.blend(v11.rearrange(SWAP_1), UPPER_1);
    v11 = kept.rearrange(SWAP_1).blend(v11, UPPER_1);
    kept = v12;
    v12 = kept.blend(v13.rearrange(SWAP_1), UPPER_1);
    v13 = kept.rearrange(SWAP_1).blend(v13, UPPER_1);
    kept = v14;
    v14 = kept.blend(v15.rearrange(SWAP_1), UPPER_1);
    v15 = kept.rearrange(SWAP_1).blend(v15, UPPER_1);
    kept = v0;
    v0 = kept.blend(v2.rearrange(SWAP_2), UPPER_2);
    v2 = kept.rearrange(SWAP_2).blend(v2, UPPER_2);
    kept = v1;
    v1 = kept.blend(v3.rearrange(SWAP_2), UPPER_2);
    v3 = kept.rearrange(SWAP_2).blend(v3, UPPER_2);
    kept = v4;
    v4 = kept.blend(v6.rearrange(SWAP_2), UPPER_2);
    v6 = kept.rearrange(SWAP_2).blend(v6, UPPER_2);
    kept = v5;
    v5 = kept.blend(v7.rearrange(SWAP_2), UPPER_2);
    v7 = kept.rearrange(SWAP_2).blend(v7, UPPER_2);
    kept = v8;
    v8 = kept.blend(v10.rearrange(SWAP_2), UPPER_2);
    v10 = kept.rearrange(SWAP_2).blend(v10, UPPER_2);
    kept = v9;
    v9 = kept.blend(v11.rearrange(SWAP_2), UPPER_2);
    v11 = kept.rearrange(SWAP_2).blend(v11, UPPER_2);
    kept = v12;
    v12 = kept.blend(v14.rearrange(SWAP_2), UPPER_2);
    v14 = kept.rearrange(SWAP_2).blend(v14, UPPER_2);
    kept = v13;
    v13 = kept.blend(v15.rearrange(SWAP_2), UPPER_2);
    v15 = kept.rearrange(SWAP_2).blend(v15, UPPER_2);
    if (LANES > 4) {
      kept = v0;
      v0 = kept.blend(v4.rearrange(SWAP_4), UPPER_4);
      v4 = kept.rearrange(SWAP_4).blend(v4, UPPER_4);
      kept = v1;
      v1 = kept.blend(v5.rearrange(SWAP_4), UPPER_4);
      v5 = kept.rearrange(SWAP_4).blend(v5, UPPER_4);
      kept = v2;
      v2 = kept.blend(v6.rearrange(SWAP_4), UPPER_4);
      v6 = kept.rearrange(SWAP_4).blend(v6, UPPER_4);
      kept = v3;
      v3 = kept.blend(v7.rearrange(SWAP_4), UPPER_4);
      v7 = kept.rearrange(SWAP_4).blend(v7, UPPER_4);
      kept = v8;
      v8 = kept.blend(v12.rearrange(SWAP_4), UPPER_4);
      v12 = kept.rearrange(SWAP_4).blend(v12, UPPER_4);
      kept = v9;
      v9 = kept.blend(v13.rearrange(SWAP_4), UPPER_4);
      v13 = kept.rearrange(SWAP_4).blend(v13, UPPER_4);
      kept = v10;
      v10 = kept.blend(v14.rearrange(SWAP_4), UPPER_4);
      v14 = kept.rearrange(SWAP_4).blend(v14, UPPER_4);
      kept = v11;
      v11 = kept.blend(v15.rearrange(SWAP_4), UPPER_4);
      v15 = kept.rearrange(SWAP_4).blend(v15, UPPER_4);
    }
    if (LANES > 8) {
      kept = v0;
      v0 = kept.blend(v8.rearrange(SWAP_8), UPPER_8);
      v8 = kept.rearrange(SWAP_8).blend(v8, UPPER_8);
      kept = v1;
      v1 = kept.blend(v9.rearrange(SWAP_8), UPPER_8);
      v9 = kept.rearrange(SWAP_8).blend(v9, UPPER_8);
      kept = v2;
      v2 = kept.blend(v10.rearrange(SWAP_8), UPPER_8);
      v10 = kept.rearrange(SWAP_8).blend(v10, UPPER_8);
      kept = v3;
      v3 = kept.blend(v11.rearrange(SWAP_8), UPPER_8);
      v11 = kept.rearrange(SWAP_8).blend(v11, UPPER_8);
      kept = v4;
      v4 = kept.blend(v12.rearrange(SWAP_8), UPPER_8);
      v12 = kept.rearrange(SWAP_8).blend(v12, UPPER_8);
      kept = v5;
      v5 = kept.blend(v13.rearrange(SWAP_8), UPPER_8);
      v13 = kept.rearrange(SWAP_8).blend(v13, UPPER_8);
      kept = v6;
      v6 = kept.blend(v14.rearrange(SWAP_8), UPPER_8);
      v14 = kept.rearrange(SWAP_8).blend(v14, UPPER_8);
      kept = v7;
      v7 = kept.blend(v15.rearrange(SWAP_8), UPPER_8);
      v15 = kept.rearrange(SWAP_8).blend(v15, UPPER_8);
    }
    v0.intoArray(message, 0);
    v1.intoArray(message, 1 * LANES);
    v2.intoArray(message, 2 * LANES);
    v3.intoArray(message, 3 * LANES);
    v4.intoArray(message, 4 * LANES);
    v5.intoArray(message, 5 * LANES);
    v6.intoArray(message, 6 * LANES);
    v7.intoArray(message, 7 * LANES);
    v8.intoArray(message, 8 * LANES);
    v9.intoArray(message, 9 * LANES);
    v10.intoArray(message, 10 * LANES);
    v11.intoArray(message, 11 * LANES);
    v12.intoArray(message, 12 * LANES);
    v13.intoArray(message, 13 * LANES);
    v14.intoArray(message, 14 * LANES);
    v15.intoArray(message, 15 * LANES);
  }

  /** Mixes one block of every lane into {@code state}. */
  private static void compress(int[] message, int[] state, int[] counters, int flags) {
    IntVector v0 = IntVector.fromArray(SPECIES, state, 0);
    IntVector v1 = IntVector.fromArray(SPECIES, state, 1 * LANES);
    IntVector v2 = IntVector.fromArray(SPECIES, state, 2 * LANES);
    IntVector v3 = IntVector.fromArray(SPECIES, state, 3 * LANES);
    IntVector v4 = IntVector.fromArray(SPECIES, state, 4 * LANES);
    IntVector v5 = IntVector.fromArray(SPECIES, state, 5 * LANES);
    IntVector v6 = IntVector.fromArray(SPECIES, state, 6 * LANES);
    IntVector v7 = IntVector.fromArray(SPECIES, state, 7 * LANES);
    IntVector v8 = IntVector.broadcast(SPECIES, IV0);
    IntVector v9 = IntVector.broadcast(SPECIES, IV1);
    IntVector v10 = IntVector.broadcast(SPECIES, IV2);
    IntVector v11 = IntVector.broadcast(SPECIES, IV3);
    IntVector v12 = IntVector.fromArray(SPECIES, counters, 0);
    IntVector v13 = IntVector.zero(SPECIES);
    IntVector v14 = IntVector.broadcast(SPECIES, BLOCK_BYTES);
    IntVector v15 = IntVector.broadcast(SPECIES, flags);
    for (int at = 0; at < SCHEDULE.length; at += BLOCK_WORDS) {
      v0 = v0.add(v4).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at]));
      v1 = v1.add(v5).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 2]));
      v2 = v2.add(v6).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 4]));
      v3 = v3.add(v7).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 6]));
      v12 = v12.lanewise(XOR, v0).lanewise(ROR, 16);
      v13 = v13.lanewise(XOR, v1).lanewise(ROR, 16);
      v14 = v14.lanewise(XOR, v2).lanewise(ROR, 16);
      v15 = v15.lanewise(XOR, v3).lanewise(ROR, 16);
      v8 = v8.add(v12);
      v9 = v9.add(v13);
      v10 = v10.add(v14);
      v11 = v11.add(v15);
      v4 = v4.lanewise(XOR, v8).lanewise(ROR, 12);
      v5 = v5.lanewise(XOR, v9).lanewise(ROR, 12);
      v6 = v6.lanewise(XOR, v10).lanewise(ROR, 12);
      v7 = v7.lanewise(XOR, v11).lanewise(ROR, 12);

      v0 = v0.add(v4).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 1]));
      v1 = v1.add(v5).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 3]));
      v2 = v2.add(v6).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 5]));
      v3 = v3.add(v7).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 7]));
      v12 = v12.lanewise(XOR, v0).lanewise(ROR, 8);
      v13 = v13.lanewise(XOR, v1).lanewise(ROR, 8);
      v14 = v14.lanewise(XOR, v2).lanewise(ROR, 8);
      v15 = v15.lanewise(XOR, v3).lanewise(ROR, 8);
      v8 = v8.add(v12);
      v9 = v9.add(v13);
      v10 = v10.add(v14);
      v11 = v11.add(v15);
      v4 = v4.lanewise(XOR, v8).lanewise(ROR, 7);
      v5 = v5.lanewise(XOR, v9).lanewise(ROR, 7);
      v6 = v6.lanewise(XOR, v10).lanewise(ROR, 7);
      v7 = v7.lanewise(XOR, v11).lanewise(ROR, 7);

      v0 = v0.add(v5).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 8]));
      v1 = v1.add(v6).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 10]));
      v2 = v2.add(v7).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 12]));
      v3 = v3.add(v4).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 14]));
      v15 = v15.lanewise(XOR, v0).lanewise(ROR, 16);
      v12 = v12.lanewise(XOR, v1).lanewise(ROR, 16);
      v13 = v13.lanewise(XOR, v2).lanewise(ROR, 16);
      v14 = v14.lanewise(XOR, v3).lanewise(ROR, 16);
      v10 = v10.add(v15);
      v11 = v11.add(v12);
      v8 = v8.add(v13);
      v9 = v9.add(v14);
      v5 = v5.lanewise(XOR, v10).lanewise(ROR, 12);
      v6 = v6.lanewise(XOR, v11).lanewise(ROR, 12);
      v7 = v7.lanewise(XOR, v8).lanewise(ROR, 12);
      v4 = v4.lanewise(XOR, v9).lanewise(ROR, 12);

      v0 = v0.add(v5).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 9]));
      v1 = v1.add(v6).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 11]));
      v2 = v2.add(v7).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 13]));
      v3 = v3.add(v4).add(IntVector.fromArray(SPECIES, message, SCHEDULE[at + 15]));
      v15 = v15.lanewise(XOR, v0).lanewise(ROR, 8);
      v12 = v12.lanewise(XOR, v1).lanewise(ROR, 8);
      v13 = v13.lanewise(XOR, v2).lanewise(ROR, 8);
      v14 = v14.lanewise(XOR, v3).lanewise(ROR, 8);
      v10 = v10.add(v15);
      v11 = v11.add(v12);
      v8 = v8.add(v13);
      v9 = v9.add(v14);
      v5 = v5.lanewise(XOR, v10).lanewise(ROR, 7);
      v6 = v6.lanewise(XOR, v11).lanewise(ROR, 7);
      v7 = v7.lanewise(XOR, v8).lanewise(ROR, 7);
      v4 = v4.lanewise(XOR, v9).lanewise(ROR, 7);
    }
    v0.lanewise(XOR, v8).intoArray(state, 0);
    v1.lanewise(XOR, v9).intoArray(state, 1 * LANES);
    v2.lanewise(XOR, v10).intoArray(state, 2 * LANES);
    v3.lanewise(XOR, v11).intoArray(state, 3 * LANES);
    v4.lanewise(XOR, v12).intoArray(state, 4 * LANES);
    v5.lanewise(XOR, v13).intoArray(state, 5 * LANES);
    v6.lanewise(XOR, v14).intoArray(state, 6 * LANES);
    v7.lanewise(XOR, v15).intoArray(state, 7 * LANES);
  }

  /** Says where each vector is loaded from; lanes past the last leaf read it again. */
  private void place(int leaves, int counter) {
    for (int lane = 0; lane < LANES; lane++) {
      counters[lane] = counter + lane;
    }
    for (int i = 0; i < places.length; i++) {
      int leaf = Math.min(i % LANES, leaves - 1);
      places[i] = leaf * LEAF_BYTES + i / LANES * LANES * Integer.BYTES;
    }
  }

  /** The CPU's own width, as far as a block's 16 words can be cut into it. */
  private static VectorSpecies<Integer> widest(VectorSpecies<Integer> preferred) {
    if (preferred.length() >= 16) {
      return IntVector.SPECIES_512;
    }
    return preferred.length() >= 8 ? IntVector.SPECIES_256 : IntVector.SPECIES_128;
  }

  private static int[] scaled(int[] words) {
    return Arrays.stream(words).map(word -> word * LANES).toArray();
  }

  private static VectorShuffle<Integer> swap(int distance) {
    return VectorShuffle.fromOp(SPECIES, lane -> (lane ^ distance) % LANES);
  }

  private static VectorMask<Integer> upper(int distance) {
    boolean[] lanes = new boolean[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      lanes[lane] = (lane & distance) != 0;
    }
    return VectorMask.fromArray(SPECIES, lanes, 0);
  }
}
