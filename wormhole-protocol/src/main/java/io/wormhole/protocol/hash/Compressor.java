package io.wormhole.protocol.hash;

import java.lang.foreign.MemorySegment;

/**
 * Turns many leaves, or many pairs of nodes, into chaining values. A chaining value is eight words
 * in an {@code int[]}, node after node. Belongs to one thread.
 *
 * <p>A leaf's counter has 64 bits in the paper; inputs here end long before the upper 32 are used.
 */
interface Compressor {
  /**
   * Hashes whole leaves that are not the root.
   *
   * @param input holds {@code count} times 1024 bytes from {@code offset} on
   * @param counter the first leaf's place in the tree; the others follow
   * @param values receives {@code count} chaining values from index {@code valuesAt} on
   */
  void leaves(MemorySegment input, long offset, int count, int counter, int[] values, int valuesAt);

  /**
   * Replaces pairs of nodes by their parents, none of them the root, in place.
   *
   * @param values {@code 2 × count} chaining values from its start; afterwards the first {@code
   *     count} are the parents', the others undefined
   */
  void parents(int[] values, int count);
}
