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
import static io.wormhole.protocol.hash.Parameters.ROUNDS;
import static io.wormhole.protocol.hash.Parameters.VALUE_WORDS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The compression function on up to 128 leaves at once, word by word of all of them: loops over
 * arrays, which the JIT compiler turns into vector instructions by itself. A third as fast again as
 * it could be, because a loop begins and ends with single steps, but no worse than single leaves
 * before it is compiled, and in need of no module.
 *
 * <p>Row w of the state and of the message is word w of every leaf. Rows are arrays of their own
 * and indexed alike: two places in one array, and the compiler no longer sees that a store does not
 * touch the next load.
 */
final class LoopCompressor implements Compressor {
  private static final ValueLayout.OfInt WORD =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int MOST_LEAVES = HashTree.RUN_BYTES / LEAF_BYTES;

  /** Fewer are done sooner one by one: a loop's first and last sixteen steps are single ones. */
  private static final int FEWEST_LEAVES = 32;

  private static final int LEAF_WORDS = LEAF_BYTES / Integer.BYTES;
  private static final int[] IV = {IV0, IV1, IV2, IV3, IV4, IV5, IV6, IV7};
  private static final int[] SCHEDULE = Parameters.schedule();

  private final ScalarCompressor scalar;
  private final int[][] state = new int[BLOCK_WORDS][MOST_LEAVES];
  private final int[][] message = new int[BLOCK_WORDS][MOST_LEAVES];
  private final int[] words = new int[MOST_LEAVES * LEAF_WORDS];

  /**
   * @param scalar takes what is too little for a loop
   */
  LoopCompressor(ScalarCompressor scalar) {
    this.scalar = scalar;
  }

  @Override
  public void leaves(
      MemorySegment input, long offset, int count, int counter, int[] values, int valuesAt) {
    if (count < FEWEST_LEAVES) {
      scalar.leaves(input, offset, count, counter, values, valuesAt);
      return;
    }
    int batch = Math.min(count, MOST_LEAVES);
    MemorySegment.copy(input, WORD, offset, words, 0, batch * LEAF_WORDS);
    initialise(batch);
    for (int block = 0; block < BLOCKS_PER_LEAF; block++) {
      transpose(words, block * BLOCK_WORDS, LEAF_WORDS, batch);
      int flags = (block == 0 ? LEAF_START : 0) | (block == BLOCKS_PER_LEAF - 1 ? LEAF_END : 0);
      compress(batch, counter, 1, flags);
    }
    store(batch, values, valuesAt);
    if (batch < count) {
      long rest = offset + (long) batch * LEAF_BYTES;
      int valuesRest = valuesAt + batch * VALUE_WORDS;
      leaves(input, rest, count - batch, counter + batch, values, valuesRest);
    }
  }

  @Override
  public void parents(int[] values, int count) {
    if (count < FEWEST_LEAVES || count > MOST_LEAVES) {
      scalar.parents(values, count);
      return;
    }
    initialise(count);
    transpose(values, 0, BLOCK_WORDS, count);
    compress(count, 0, 0, PARENT);
    store(count, values, 0);
  }

  private void initialise(int count) {
    for (int word = 0; word < VALUE_WORDS; word++) {
      Arrays.fill(state[word], 0, count, IV[word]);
    }
  }

  /** Takes a block of each node apart: its words go to the rows. */
  private void transpose(int[] nodes, int at, int wordsPerNode, int count) {
    for (int word = 0; word < BLOCK_WORDS; word += 4) {
      quarter(
          nodes,
          at + word,
          wordsPerNode,
          count,
          message[word],
          message[word + 1],
          message[word + 2],
          message[word + 3]);
    }
  }

  private static void quarter(
      int[] nodes, int at, int stride, int count, int[] m0, int[] m1, int[] m2, int[] m3) {
    for (int node = 0; node < count; node++) {
      int from = at + node * stride;
      m0[node] = nodes[from];
      m1[node] = nodes[from + 1];
      m2[node] = nodes[from + 2];
      m3[node] = nodes[from + 3];
    }
  }

  /**
   * @param counterStep 1 where nodes count up, 0 where none has a counter
   */
  private void compress(int count, int counter, int counterStep, int flags) {
    int[][] v = state;
    int[][] m = message;
    for (int word = 0; word < 4; word++) {
      Arrays.fill(v[VALUE_WORDS + word], 0, count, IV[word]);
    }
    for (int node = 0; node < count; node++) {
      v[12][node] = counter + node * counterStep;
    }
    Arrays.fill(v[13], 0, count, 0);
    Arrays.fill(v[14], 0, count, BLOCK_BYTES);
    Arrays.fill(v[15], 0, count, flags);
    for (int round = 0; round < ROUNDS; round++) {
      int s = round * BLOCK_WORDS;
      mix(v[0], v[4], v[8], v[12], m[SCHEDULE[s]], m[SCHEDULE[s + 1]], count);
      mix(v[1], v[5], v[9], v[13], m[SCHEDULE[s + 2]], m[SCHEDULE[s + 3]], count);
      mix(v[2], v[6], v[10], v[14], m[SCHEDULE[s + 4]], m[SCHEDULE[s + 5]], count);
      mix(v[3], v[7], v[11], v[15], m[SCHEDULE[s + 6]], m[SCHEDULE[s + 7]], count);
      mix(v[0], v[5], v[10], v[15], m[SCHEDULE[s + 8]], m[SCHEDULE[s + 9]], count);
      mix(v[1], v[6], v[11], v[12], m[SCHEDULE[s + 10]], m[SCHEDULE[s + 11]], count);
      mix(v[2], v[7], v[8], v[13], m[SCHEDULE[s + 12]], m[SCHEDULE[s + 13]], count);
      mix(v[3], v[4], v[9], v[14], m[SCHEDULE[s + 14]], m[SCHEDULE[s + 15]], count);
    }
    for (int word = 0; word < VALUE_WORDS; word++) {
      fold(v[word], v[VALUE_WORDS + word], count);
    }
  }

  /** The quarter round of the paper's section 2.2, called G there. */
  private static void mix(int[] a, int[] b, int[] c, int[] d, int[] x, int[] y, int count) {
    for (int i = 0; i < count; i++) {
      int a1 = a[i] + b[i] + x[i];
      int d1 = Integer.rotateRight(d[i] ^ a1, 16);
      int c1 = c[i] + d1;
      int b1 = Integer.rotateRight(b[i] ^ c1, 12);
      int a2 = a1 + b1 + y[i];
      int d2 = Integer.rotateRight(d1 ^ a2, 8);
      int c2 = c1 + d2;
      a[i] = a2;
      b[i] = Integer.rotateRight(b1 ^ c2, 7);
      c[i] = c2;
      d[i] = d2;
    }
  }

  private static void fold(int[] low, int[] high, int count) {
    for (int i = 0; i < count; i++) {
      low[i] ^= high[i];
    }
  }

  private void store(int count, int[] values, int valuesAt) {
    for (int word = 0; word < VALUE_WORDS; word++) {
      int[] row = state[word];
      for (int node = 0; node < count; node++) {
        values[valuesAt + node * VALUE_WORDS + word] = row[node];
      }
    }
  }
}
