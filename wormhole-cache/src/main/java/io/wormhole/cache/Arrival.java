package io.wormhole.cache;

/**
 * What a load brought, beside the bytes in its destination.
 *
 * @param length bytes in the destination, 0 to 131,072
 * @param hash 32 bytes; any other number fits no chunk
 * @param chainingValues 32 bytes for each 16 KiB group of the chunk; empty if it has one group.
 *     Neither array is changed after
 * @param young the file's version was too young, when read, to be kept on a disk
 */
@SuppressWarnings("ArrayRecordComponent")
public record Arrival(int length, byte[] hash, byte[] chainingValues, boolean young) {
  private static final byte[] NONE = new byte[0];

  /**
   * The chunk has the hash that was known, and its bytes did not come.
   *
   * @param length bytes it has
   */
  public static Arrival known(int length, boolean young) {
    return new Arrival(length, NONE, NONE, young);
  }

  boolean isKnown() {
    return hash.length == 0;
  }
}
