package io.wormhole.daemon.fuse;

/**
 * Tells the kernel that what it remembers is not so any more. Change first, then tell: what is
 * answered from then on must be new. Never waits, so it may be called from anywhere, a call of the
 * file system among them; the telling happens soon after, in no promised order, once the calls on
 * that node have been answered that were under way. What the kernel does not know is no error.
 *
 * <p>Each method says whether the kernel will be told. It will not when the mount is over, or when
 * so many notices wait already that there is no room for another one; then the kernel believes what
 * it was told before for as long as it was told to.
 */
public interface KernelNotifier {
  /** Attributes of a node and all its pages are no longer what they were. */
  boolean inode(long node);

  /**
   * Attributes of a node, and some of its bytes, are no longer what they were.
   *
   * @param offset of the first byte, not negative
   * @param length in bytes, more than 0
   */
  boolean range(long node, long offset, long length);

  /** A name in a folder is no longer what it was: gone, new, or another node's. */
  boolean entry(long parent, byte[] name);
}
