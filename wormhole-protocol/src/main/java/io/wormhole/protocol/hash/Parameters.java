package io.wormhole.protocol.hash;

/**
 * The constants of BLAKE3: O'Connor, Aumasson, Neves, Wilcox-O'Hearn, "BLAKE3: one function, fast
 * everywhere" (2020), sections 2.1 to 2.3. Its "chunks" of 1 KiB are called leaves here, because
 * our chunks are 128 KiB.
 */
final class Parameters {
  static final int LEAF_BYTES = 1024;
  static final int BLOCK_BYTES = 64;
  static final int BLOCKS_PER_LEAF = LEAF_BYTES / BLOCK_BYTES;

  /** Words of a block: a message. */
  static final int BLOCK_WORDS = 16;

  /** Words of a chaining value. */
  static final int VALUE_WORDS = 8;

  static final int ROUNDS = 7;

  static final int LEAF_START = 1;
  static final int LEAF_END = 1 << 1;
  static final int PARENT = 1 << 2;
  static final int ROOT = 1 << 3;

  static final int IV0 = 0x6A09E667;
  static final int IV1 = 0xBB67AE85;
  static final int IV2 = 0x3C6EF372;
  static final int IV3 = 0xA54FF53A;
  static final int IV4 = 0x510E527F;
  static final int IV5 = 0x9B05688C;
  static final int IV6 = 0x1F83D9AB;
  static final int IV7 = 0x5BE0CD19;

  /** Table 2: word i of a round's message is word PERMUTATION[i] of the round before. */
  private static final int[] PERMUTATION = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};

  private Parameters() {}

  /** Which word of the block each round takes, in the order of use: 7 rounds of 16 words. */
  static int[] schedule() {
    int[] words = new int[ROUNDS * BLOCK_WORDS];
    for (int i = 0; i < BLOCK_WORDS; i++) {
      words[i] = i;
    }
    for (int i = BLOCK_WORDS; i < words.length; i++) {
      int round = i / BLOCK_WORDS;
      words[i] = words[(round - 1) * BLOCK_WORDS + PERMUTATION[i % BLOCK_WORDS]];
    }
    return words;
  }
}
