package io.wormhole.cache;

/**
 * What a load brought, beside the bytes in its destination.
 *
 * @param length bytes in the destination, 0 to 131,072
 * @param hash 32 bytes; any other number fits no chunk
 * @param chainingValues 32 bytes for each 16 KiB group of the chunk; empty if it has one group.
 *     Neither array is changed after
 * @param young the file's version was too young, when read, to be kept on a disk
 * @param checked the bytes have been found to be what the hash says: they come from our own disk
 */
@SuppressWarnings("ArrayRecordComponent")
public record Arrival(
    int length, byte[] hash, byte[] chainingValues, boolean young, boolean checked) {
  private static final byte[] NONE = new byte[0];

  /** What came from somebody else. */
  public Arrival(int length, byte[] hash, byte[] chainingValues, boolean young) {
    this(length, hash, chainingValues, young, false);
  }

  /** What was read from a disk of ours and checked there. */
  static Arrival checked(int length, byte[] hash) {
    return new Arrival(length, hash, NONE, false, true);
  }
}
