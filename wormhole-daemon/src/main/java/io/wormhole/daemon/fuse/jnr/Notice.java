package io.wormhole.daemon.fuse.jnr;

/**
 * What the kernel is to be told is no longer so: an inode, its attributes and pages; or a name in a
 * folder, where the kernel knows no such inode.
 *
 * @param node what the kernel calls the inode; 0 for none
 * @param folder what the kernel calls the folder of the name; 0 for none
 * @param name a byte in each character; empty without a folder
 */
record Notice(long node, long folder, String name) {
  /** Of an inode, whatever its name is. */
  static Notice ofInode(long node) {
    return new Notice(node, 0, "");
  }

  /** Of a name, whatever it leads to. */
  static Notice ofName(long folder, String name) {
    return new Notice(0, folder, name);
  }
}
