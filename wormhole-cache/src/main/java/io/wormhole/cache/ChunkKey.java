package io.wormhole.cache;

/**
 * Names a chunk: what is found under it never changes.
 *
 * @param file whose bytes
 * @param index which 128 KiB of the file, from 0
 */
public record ChunkKey(FileVersion file, long index) {
  private static final long SPREAD = 0xD6E8FEB86659FD93L;

  @Override
  public int hashCode() {
    long mixed = (file.spread() + index) * SPREAD;
    return Long.hashCode(mixed);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ChunkKey that && index == that.index && file.equals(that.file);
  }

  /** For a message: which chunk of which inode. */
  @Override
  public String toString() {
    return "chunk " + index + " of inode " + file.inode();
  }
}
