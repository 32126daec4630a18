package io.wormhole.cache;

import java.util.Comparator;
import java.util.List;

/**
 * What a load brought, beside the bytes in its destination.
 *
 * @param length bytes in the destination, 0 to 131,072
 * @param hash 32 bytes; any other number fits no chunk
 * @param chainingValues 32 bytes for each 16 KiB group of the chunk; empty if it has one group.
 *     Neither array is changed after
 * @param young the file's version was too young, when read, to be kept on a disk
 * @param parts what it came in, in the order of their places, with no gap; empty if it came in one
 *     piece. Where there are any, they have the hashes, and the whole has none
 */
@SuppressWarnings("ArrayRecordComponent")
public record Arrival(
    int length, byte[] hash, byte[] chainingValues, boolean young, List<Part> parts) {
  private static final byte[] NONE = new byte[0];

  /** In one piece. */
  public Arrival(int length, byte[] hash, byte[] chainingValues, boolean young) {
    this(length, hash, chainingValues, young, List.of());
  }

  /**
   * Of all parts of a chunk, in any order.
   *
   * @throws IllegalArgumentException if they leave a gap or overlap
   */
  public static Arrival of(List<Part> parts) {
    List<Part> inOrder = parts.stream().sorted(Comparator.comparingInt(Part::offset)).toList();
    int end = 0;
    boolean young = false;
    for (Part part : inOrder) {
      if (part.offset() != end) {
        throw new IllegalArgumentException("a part at " + part.offset() + ", not at " + end);
      }
      end = part.end();
      young |= part.arrival().young();
    }
    return new Arrival(end, NONE, NONE, young, inOrder);
  }

  /**
   * The chunk has the hash that was known, and its bytes did not come.
   *
   * @param length bytes it has
   */
  public static Arrival known(int length, boolean young) {
    return new Arrival(length, NONE, NONE, young);
  }

  boolean isKnown() {
    return hash.length == 0 && parts.isEmpty();
  }
}
