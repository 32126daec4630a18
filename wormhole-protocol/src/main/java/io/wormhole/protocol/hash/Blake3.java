package io.wormhole.protocol.hash;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * BLAKE3 of chunks, and of the groups of 16 KiB they are made of, read where the bytes lie.
 *
 * <p>The hash is the plain one with 32 bytes of output: O'Connor, Aumasson, Neves, Wilcox-O'Hearn,
 * "BLAKE3: one function, fast everywhere" (2020). Group g is the subtree of leaves 16g to 16g + 15
 * (the last may be short), its chaining value that subtree's; so a group can be checked alone, and
 * the hash follows from the groups' values.
 *
 * <p>May be used by any number of threads at once; each gets working memory of its own, some 150
 * KiB for as long as it lives, so platform threads should call it rather than many short virtual
 * ones. Segments may lie on the heap or off it, at any alignment, and hold at most 1 GiB; they are
 * only read, and must not change meanwhile. A closed segment is {@link IllegalStateException},
 * another thread's {@link WrongThreadException}.
 */
public final class Blake3 {
  /** Bytes of a group; the last one of a chunk may be shorter. */
  public static final int GROUP_BYTES = HashTree.GROUP_BYTES;

  private static final int MAX_BYTES = 1 << 30;
  private static final byte[] NONE = {};
  private static final Verdict INTACT = new Verdict.Intact();

  private volatile Engine engine;

  private Blake3(Engine engine) {
    this.engine = engine;
  }

  /** The code a thread hashes with. */
  private record Engine(String name, ThreadLocal<HashTree> trees) {
    static Engine of(String name, Supplier<HashTree> trees) {
      return new Engine(name, ThreadLocal.withInitial(trees));
    }
  }

  /**
   * Hashes at once with plain Java code, and with the CPU's vectors as soon as the JIT compiler has
   * made those the faster: before that they are a hundred times slower. Where the JVM was started
   * without {@code --add-modules jdk.incubator.vector}, or the vectors never get faster, it stays
   * with plain Java.
   *
   * @param warmer runs one task, which works for a second or two, on a busy machine for thirty at
   *     most
   */
  public static Blake3 fastest(Executor warmer) {
    return fastest(warmer, System::nanoTime);
  }

  /**
   * @param nanoTime the ticker that tells which is faster
   */
  static Blake3 fastest(Executor warmer, LongSupplier nanoTime) {
    Blake3 blake3 = plain();
    if (vectorsArePresent()) {
      warmer.execute(() -> blake3.takeVectorsIfFaster(nanoTime));
    }
    return blake3;
  }

  /** Hashes with plain Java code only. */
  public static Blake3 plain() {
    return new Blake3(Engine.of("plain", Blake3::plainTree));
  }

  /**
   * Hashes with the CPU's vectors from the first call on, slowly until they are compiled.
   *
   * @throws UnsupportedOperationException if the JVM was started without jdk.incubator.vector
   */
  public static Blake3 vector() {
    if (!vectorsArePresent()) {
      throw new UnsupportedOperationException(
          "BLAKE3 with vectors needs the JVM option --add-modules jdk.incubator.vector");
    }
    return new Blake3(vectors());
  }

  /** The hash of a chunk, or of any bytes, and the chaining values of its groups. */
  public GroupHashes hash(MemorySegment bytes) {
    checkSize(bytes, MAX_BYTES);
    HashTree tree = tree();
    if (bytes.byteSize() <= GROUP_BYTES) {
      return new GroupHashes(ChunkHash.of(tree.rootOfGroup(bytes)), NONE);
    }
    byte[] values = tree.groupValues(bytes, 0);
    return new GroupHashes(ChunkHash.of(tree.rootOfGroups(values)), values);
  }

  /**
   * Checks a chunk against what came with it: that the chaining values make the hash, then that
   * every group makes its chaining value. What a peer sent may be passed as it is.
   *
   * @param hash 32 bytes; any other number fits no chunk
   * @param chainingValues 32 bytes for each group; none for a chunk of one group or less
   */
  public Verdict verify(MemorySegment bytes, byte[] hash, byte[] chainingValues) {
    checkSize(bytes, MAX_BYTES);
    HashTree tree = tree();
    int groups = HashTree.groupsOf(bytes.byteSize());
    if (groups == 1) {
      if (chainingValues.length != 0) {
        return new Verdict.BadChainingValues();
      }
      return Arrays.equals(tree.rootOfGroup(bytes), hash) ? INTACT : new Verdict.BadGroup(0);
    }
    if (chainingValues.length != groups * ChunkHash.BYTES
        || !Arrays.equals(tree.rootOfGroups(chainingValues), hash)) {
      return new Verdict.BadChainingValues();
    }
    int mismatch = Arrays.mismatch(tree.groupValues(bytes, 0), chainingValues);
    return mismatch < 0 ? INTACT : new Verdict.BadGroup(mismatch / ChunkHash.BYTES);
  }

  /**
   * Whether a group makes its chaining value. It says nothing of whether the chaining values make
   * the chunk's hash: see {@link #root}. The group of a chunk that has no other is checked by
   * {@link #verify}.
   *
   * @param index the group's place in the chunk, from 0
   * @param group 1 to 16,384 bytes
   * @param chainingValues 32 bytes for each of the chunk's groups
   * @throws IndexOutOfBoundsException if there is no such chaining value
   * @throws IllegalArgumentException for any other number of bytes in the group
   */
  public boolean verifyGroup(int index, MemorySegment group, byte[] chainingValues) {
    Objects.checkIndex(index, chainingValues.length / ChunkHash.BYTES);
    checkSize(group, GROUP_BYTES);
    if (group.byteSize() == 0) {
      throw new IllegalArgumentException("a group of no bytes is none");
    }
    int from = index * ChunkHash.BYTES;
    byte[] value = tree().groupValues(group, index);
    return Arrays.equals(value, 0, value.length, chainingValues, from, from + ChunkHash.BYTES);
  }

  /**
   * The hash that follows from the chaining values of all groups of a chunk.
   *
   * @param chainingValues 32 bytes for each group, two groups at least
   * @throws IllegalArgumentException for any other number of bytes
   */
  public ChunkHash root(byte[] chainingValues) {
    if (chainingValues.length < 2 * ChunkHash.BYTES
        || chainingValues.length % ChunkHash.BYTES != 0) {
      throw new IllegalArgumentException("chaining values of " + chainingValues.length + " bytes");
    }
    return ChunkHash.of(tree().rootOfGroups(chainingValues));
  }

  /** The code in use, for a status line: {@code plain}, or {@code vector} and the lanes. */
  public String engine() {
    return engine.name;
  }

  private void takeVectorsIfFaster(LongSupplier nanoTime) {
    Engine vectors = vectors();
    if (new Race(plainTree(), vectorTree(), nanoTime).challengerWins()) {
      engine = vectors;
    }
  }

  private HashTree tree() {
    return engine.trees.get();
  }

  private static void checkSize(MemorySegment bytes, int mostBytes) {
    if (bytes.byteSize() > mostBytes) {
      throw new IllegalArgumentException(
          bytes.byteSize() + " bytes to hash, " + mostBytes + " at most");
    }
  }

  private static boolean vectorsArePresent() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
  }

  private static Engine vectors() {
    return Engine.of("vector, " + VectorCompressor.lanes() + " lanes", Blake3::vectorTree);
  }

  private static HashTree plainTree() {
    ScalarCompressor scalar = new ScalarCompressor();
    return new HashTree(scalar, new LoopCompressor(scalar));
  }

  private static HashTree vectorTree() {
    ScalarCompressor scalar = new ScalarCompressor();
    return new HashTree(scalar, new VectorCompressor(scalar));
  }
}
