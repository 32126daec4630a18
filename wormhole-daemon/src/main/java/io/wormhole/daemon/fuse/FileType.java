package io.wormhole.daemon.fuse;

/** What an inode is, of the kinds a share shows. */
public enum FileType {
  REGULAR(0100000, 8),
  DIRECTORY(0040000, 4),
  SYMLINK(0120000, 10);

  private final int modeBits;
  private final int direntType;

  FileType(int modeBits, int direntType) {
    this.modeBits = modeBits;
    this.direntType = direntType;
  }

  /** The S_IF bits of {@code st_mode}. */
  public int modeBits() {
    return modeBits;
  }

  /** The DT value of {@code d_type}. */
  public int direntType() {
    return direntType;
  }
}
