package io.wormhole.cache;

/**
 * The bytes of one file at one moment, as the cache names them. Made once for an open file and
 * shared by the keys of its chunks.
 *
 * @param shareHigh first 8 bytes of what names the share and its host, big-endian
 * @param shareLow last 8 bytes of that
 * @param inode the host's inode number
 * @param generation differs when an inode number is used again
 * @param versionHigh first 8 bytes of the version's token, big-endian
 * @param versionLow last 8 bytes of the version's token
 */
public record FileVersion(
    long shareHigh, long shareLow, long inode, long generation, long versionHigh, long versionLow) {
  /** Odd, with its bits spread evenly: 2^64 divided by the golden ratio. */
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  /** Whether both are of the same file, whatever the version. */
  public boolean sameFile(FileVersion other) {
    return inode == other.inode && generation == other.generation && sameShare(other);
  }

  /** Whether both are of the same share. */
  public boolean sameShare(FileVersion other) {
    return shareHigh == other.shareHigh && shareLow == other.shareLow;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(spread());
  }

  long spread() {
    // Inodes count up one by one and the rest is random or constant, so one product parts them.
    long mixed = (inode ^ shareLow) * SPREAD + (versionHigh ^ generation);
    return (mixed ^ (mixed >>> 32)) * SPREAD + versionLow;
  }
}
