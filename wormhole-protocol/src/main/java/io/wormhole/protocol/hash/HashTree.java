package io.wormhole.protocol.hash;

import static io.wormhole.protocol.hash.Parameters.BLOCK_WORDS;
import static io.wormhole.protocol.hash.Parameters.LEAF_BYTES;
import static io.wormhole.protocol.hash.Parameters.ROOT;
import static io.wormhole.protocol.hash.Parameters.VALUE_WORDS;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * One thread's way from bytes to the root.
 *
 * <p>The tree is left-full (BLAKE3 paper, section 2.1): pairing neighbours level by level and
 * carrying an odd last node up unchanged builds just that. After four levels each node covers
 * sixteen leaves: the groups.
 */
final class HashTree {
  static final int GROUP_LEAVES = 16;
  static final int GROUP_BYTES = GROUP_LEAVES * LEAF_BYTES;

  /** What is hashed level by level at a time: enough to fill any lanes, little enough for L1d. */
  private static final int RUN_GROUPS = 8;

  static final int RUN_BYTES = RUN_GROUPS * GROUP_BYTES;

  private static final int GROUP_LEVELS = 4;
  private static final VarHandle WORDS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private final ScalarCompressor scalar;
  private final Compressor compressor;
  private final int[] nodes = new int[RUN_GROUPS * GROUP_LEAVES * VALUE_WORDS];

  /**
   * @param compressor takes the many; may be {@code scalar} itself
   */
  HashTree(ScalarCompressor scalar, Compressor compressor) {
    this.scalar = scalar;
    this.compressor = compressor;
  }

  /** How many groups so many bytes are; the empty input is one. */
  static int groupsOf(long bytes) {
    return Math.max(1, (int) ((bytes + GROUP_BYTES - 1) / GROUP_BYTES));
  }

  /** The root of an input of at most one group. */
  byte[] rootOfGroup(MemorySegment input) {
    int bytes = (int) input.byteSize();
    if (bytes <= LEAF_BYTES) {
      scalar.leaf(input, 0, bytes, 0, ROOT, nodes, 0);
    } else {
      int leaves = leaves(input, 0, bytes, 0);
      root(nodes, leaves);
    }
    return bytes(nodes);
  }

  /**
   * The chaining values of all groups of an input of more than one, or of one group that stands
   * somewhere in such an input.
   *
   * @param firstGroup the place of the input's first group in the tree
   */
  byte[] groupValues(MemorySegment input, int firstGroup) {
    long size = input.byteSize();
    int groups = groupsOf(size);
    byte[] values = new byte[groups * ChunkHash.BYTES];
    for (int group = 0; group < groups; group += RUN_GROUPS) {
      long offset = (long) group * GROUP_BYTES;
      int bytes = (int) Math.min(RUN_BYTES, size - offset);
      int count = leaves(input, offset, bytes, (firstGroup + group) * GROUP_LEAVES);
      for (int level = 0; level < GROUP_LEVELS; level++) {
        count = parents(nodes, count);
      }
      put(nodes, count, values, group * ChunkHash.BYTES);
    }
    return values;
  }

  /** The root that follows from the chaining values of two groups or more. */
  byte[] rootOfGroups(byte[] chainingValues) {
    int groups = chainingValues.length / ChunkHash.BYTES;
    int[] values = groups * VALUE_WORDS <= nodes.length ? nodes : new int[groups * VALUE_WORDS];
    for (int i = 0; i < groups * VALUE_WORDS; i++) {
      values[i] = (int) WORDS.get(chainingValues, i * Integer.BYTES);
    }
    root(values, groups);
    return bytes(values);
  }

  /** Hashes at most a run of leaves, none of them the root, into {@code nodes}. */
  private int leaves(MemorySegment input, long offset, int bytes, int counter) {
    int whole = bytes / LEAF_BYTES;
    compressor.leaves(input, offset, whole, counter, nodes, 0);
    int rest = bytes % LEAF_BYTES;
    if (rest == 0) {
      return whole;
    }
    long at = offset + (long) whole * LEAF_BYTES;
    scalar.leaf(input, at, rest, counter + whole, 0, nodes, whole * VALUE_WORDS);
    return whole + 1;
  }

  /** Replaces two nodes or more by the root, in the first place. */
  private void root(int[] values, int count) {
    int left = count;
    while (left > 2) {
      left = parents(values, left);
    }
    scalar.parent(values, 0, ROOT, values, 0);
  }

  /** Goes one level up, in place; returns how many nodes are left. */
  private int parents(int[] values, int count) {
    int pairs = count / 2;
    compressor.parents(values, pairs);
    if (count % 2 == 0) {
      return pairs;
    }
    System.arraycopy(values, pairs * BLOCK_WORDS, values, pairs * VALUE_WORDS, VALUE_WORDS);
    return pairs + 1;
  }

  private static byte[] bytes(int[] values) {
    byte[] bytes = new byte[ChunkHash.BYTES];
    put(values, 1, bytes, 0);
    return bytes;
  }

  private static void put(int[] values, int count, byte[] target, int at) {
    for (int i = 0; i < count * VALUE_WORDS; i++) {
      WORDS.set(target, at + i * Integer.BYTES, values[i]);
    }
  }
}
