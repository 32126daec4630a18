package io.wormhole.daemon.fuse;

/** The reply of one readdir call, being filled. Used by one thread, during the call only. */
public interface DirectoryWriter {
  /** Whether the kernel wants whole entries (readdirplus) or just names and types. */
  boolean wantsEntries();

  /** Whether one more record with such a name fits. Ask before each add. */
  boolean fits(int nameBytes);

  /**
   * Adds a name and its type.
   *
   * @param nextOffset where the call after this entry starts; never 0
   */
  void add(byte[] name, long inode, FileType type, long nextOffset);

  /**
   * Adds a whole entry; it counts as a lookup of its node, but for {@code .} and {@code ..}, which
   * are added by {@link #add(byte[], long, FileType, long)} in both modes.
   */
  void add(byte[] name, Entry entry, long nextOffset);
}
