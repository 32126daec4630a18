package io.wormhole.protocol.hash;

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
 * The compression function one block at a time, in plain Java: whatever is too little for lanes,
 * short leaves and roots among it, and everything where there are no vectors.
 *
 * <p>BLAKE3 paper, section 2.2. The message is held in locals and permuted between the rounds.
 */
final class ScalarCompressor implements Compressor {
  private static final ValueLayout.OfInt WORD =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int LEAF_WORDS = LEAF_BYTES / Integer.BYTES;

  /** One leaf in words, so that its blocks are read from one kind of memory. */
  private final int[] leaf = new int[LEAF_WORDS];

  private final int[] pair = new int[BLOCK_WORDS];

  @Override
  public void leaves(
      MemorySegment input, long offset, int count, int counter, int[] values, int valuesAt) {
    for (int i = 0; i < count; i++) {
      long at = offset + (long) i * LEAF_BYTES;
      leaf(input, at, LEAF_BYTES, counter + i, 0, values, valuesAt + i * VALUE_WORDS);
    }
  }

  @Override
  public void parents(int[] values, int count) {
    for (int i = 0; i < count; i++) {
      parent(values, i * BLOCK_WORDS, 0, values, i * VALUE_WORDS);
    }
  }

  /**
   * Hashes one leaf.
   *
   * @param bytes 0 to 1024; 0 only for the empty input
   * @param rootFlag {@link Parameters#ROOT} if the leaf is the whole input, else 0
   */
  void leaf(
      MemorySegment input,
      long offset,
      int bytes,
      int counter,
      int rootFlag,
      int[] values,
      int valueAt) {
    load(input, offset, bytes);
    initialise(values, valueAt);
    int blocks = Math.max(1, (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES);
    for (int block = 0; block < blocks; block++) {
      boolean last = block == blocks - 1;
      int flags = (block == 0 ? LEAF_START : 0) | (last ? LEAF_END | rootFlag : 0);
      int blockBytes = last ? bytes - block * BLOCK_BYTES : BLOCK_BYTES;
      compress(leaf, block * BLOCK_WORDS, counter, blockBytes, flags, values, valueAt);
    }
  }

  /**
   * Hashes two nodes, sixteen words at {@code childrenAt}, into their parent. The two places may
   * overlap.
   *
   * @param rootFlag {@link Parameters#ROOT} if the parent is the root, else 0
   */
  void parent(int[] children, int childrenAt, int rootFlag, int[] values, int valueAt) {
    System.arraycopy(children, childrenAt, pair, 0, BLOCK_WORDS);
    initialise(values, valueAt);
    compress(pair, 0, 0, BLOCK_BYTES, PARENT | rootFlag, values, valueAt);
  }

  /** Copies the leaf's bytes into words, zeros behind them up to the end of the block. */
  private void load(MemorySegment input, long offset, int bytes) {
    int words = bytes / Integer.BYTES;
    MemorySegment.copy(input, WORD, offset, leaf, 0, words);
    if (bytes == LEAF_BYTES) {
      return;
    }
    int rest = 0;
    for (int i = words * Integer.BYTES; i < bytes; i++) {
      int value = Byte.toUnsignedInt(input.get(ValueLayout.JAVA_BYTE, offset + i));
      rest |= value << (i % Integer.BYTES * Byte.SIZE);
    }
    leaf[words] = rest;
    Arrays.fill(leaf, words + 1, Math.min((words / BLOCK_WORDS + 1) * BLOCK_WORDS, LEAF_WORDS), 0);
  }

  private static void initialise(int[] values, int at) {
    values[at] = IV0;
    values[at + 1] = IV1;
    values[at + 2] = IV2;
    values[at + 3] = IV3;
    values[at + 4] = IV4;
    values[at + 5] = IV5;
    values[at + 6] = IV6;
    values[at + 7] = IV7;
  }

  /**
   * The compression function, its output cut to the eight words of a chaining value.
   *
   * @param values holds the input chaining value at {@code valueAt} and receives the output
   */
  private static void compress(
      int[] message, int at, int counter, int blockBytes, int flags, int[] values, int valueAt) {
    int m0 = message[at];
    int m1 = message[at + 1];
    int m2 = message[at + 2];
    int m3 = message[at + 3];
    int m4 = message[at + 4];
    int m5 = message[at + 5];
    int m6 = message[at + 6];
    int m7 = message[at + 7];
    int m8 = message[at + 8];
    int m9 = message[at + 9];
    int m10 = message[at + 10];
    int m11 = message[at + 11];
    int m12 = message[at + 12];
    int m13 = message[at + 13];
    int m14 = message[at + 14];
    int m15 = message[at + 15];
    int v0 = values[valueAt];
    int v1 = values[valueAt + 1];
    int v2 = values[valueAt + 2];
    int v3 = values[valueAt + 3];
    int v4 = values[valueAt + 4];
    int v5 = values[valueAt + 5];
    int v6 = values[valueAt + 6];
    int v7 = values[valueAt + 7];
    int v8 = IV0;
    int v9 = IV1;
    int v10 = IV2;
    int v11 = IV3;
    int v12 = counter;
    int v13 = 0;
    int v14 = blockBytes;
    int v15 = flags;
    for (int round = 0; round < ROUNDS; round++) {
      v0 += v4 + m0;
      v12 = Integer.rotateRight(v12 ^ v0, 16);
      v8 += v12;
      v4 = Integer.rotateRight(v4 ^ v8, 12);
      v0 += v4 + m1;
      v12 = Integer.rotateRight(v12 ^ v0, 8);
      v8 += v12;
      v4 = Integer.rotateRight(v4 ^ v8, 7);

      v1 += v5 + m2;
      v13 = Integer.rotateRight(v13 ^ v1, 16);
      v9 += v13;
      v5 = Integer.rotateRight(v5 ^ v9, 12);
      v1 += v5 + m3;
      v13 = Integer.rotateRight(v13 ^ v1, 8);
      v9 += v13;
      v5 = Integer.rotateRight(v5 ^ v9, 7);

      v2 += v6 + m4;
      v14 = Integer.rotateRight(v14 ^ v2, 16);
      v10 += v14;
      v6 = Integer.rotateRight(v6 ^ v10, 12);
      v2 += v6 + m5;
      v14 = Integer.rotateRight(v14 ^ v2, 8);
      v10 += v14;
      v6 = Integer.rotateRight(v6 ^ v10, 7);

      v3 += v7 + m6;
      v15 = Integer.rotateRight(v15 ^ v3, 16);
      v11 += v15;
      v7 = Integer.rotateRight(v7 ^ v11, 12);
      v3 += v7 + m7;
      v15 = Integer.rotateRight(v15 ^ v3, 8);
      v11 += v15;
      v7 = Integer.rotateRight(v7 ^ v11, 7);

      v0 += v5 + m8;
      v15 = Integer.rotateRight(v15 ^ v0, 16);
      v10 += v15;
      v5 = Integer.rotateRight(v5 ^ v10, 12);
      v0 += v5 + m9;
      v15 = Integer.rotateRight(v15 ^ v0, 8);
      v10 += v15;
      v5 = Integer.rotateRight(v5 ^ v10, 7);

      v1 += v6 + m10;
      v12 = Integer.rotateRight(v12 ^ v1, 16);
      v11 += v12;
      v6 = Integer.rotateRight(v6 ^ v11, 12);
      v1 += v6 + m11;
      v12 = Integer.rotateRight(v12 ^ v1, 8);
      v11 += v12;
      v6 = Integer.rotateRight(v6 ^ v11, 7);

      v2 += v7 + m12;
      v13 = Integer.rotateRight(v13 ^ v2, 16);
      v8 += v13;
      v7 = Integer.rotateRight(v7 ^ v8, 12);
      v2 += v7 + m13;
      v13 = Integer.rotateRight(v13 ^ v2, 8);
      v8 += v13;
      v7 = Integer.rotateRight(v7 ^ v8, 7);

      v3 += v4 + m14;
      v14 = Integer.rotateRight(v14 ^ v3, 16);
      v9 += v14;
      v4 = Integer.rotateRight(v4 ^ v9, 12);
      v3 += v4 + m15;
      v14 = Integer.rotateRight(v14 ^ v3, 8);
      v9 += v14;
      v4 = Integer.rotateRight(v4 ^ v9, 7);

      int of0 = m0;
      m0 = m2;
      m2 = m3;
      m3 = m10;
      m10 = m12;
      m12 = m9;
      m9 = m11;
      m11 = m5;
      m5 = of0;
      int of1 = m1;
      m1 = m6;
      m6 = m4;
      m4 = m7;
      m7 = m13;
      m13 = m14;
      m14 = m15;
      m15 = m8;
      m8 = of1;
    }
    values[valueAt] = v0 ^ v8;
    values[valueAt + 1] = v1 ^ v9;
    values[valueAt + 2] = v2 ^ v10;
    values[valueAt + 3] = v3 ^ v11;
    values[valueAt + 4] = v4 ^ v12;
    values[valueAt + 5] = v5 ^ v13;
    values[valueAt + 6] = v6 ^ v14;
    values[valueAt + 7] = v7 ^ v15;
  }
}
