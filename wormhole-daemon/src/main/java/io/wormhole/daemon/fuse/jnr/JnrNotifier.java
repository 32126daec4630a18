package io.wormhole.daemon.fuse.jnr;

import io.wormhole.daemon.fuse.KernelNotifier;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Tells the kernel of changes as far as it is known by which of libfuse's nodes: of an inode by
 * that or else by its names, of a name where the kernel has asked for one in its folder. What is
 * said of anything else lasts a second ({@link JnrSettings#validFor}).
 */
final class JnrNotifier implements KernelNotifier {
  private final PathTable paths;
  private final NoticeQueue inodes;
  private final NoticeQueue names;

  /**
   * @param names not the queue of inodes: a name waits for lookups in its folder, and nobody's
   *     pages are to wait with it
   */
  JnrNotifier(PathTable paths, NoticeQueue inodes, NoticeQueue names) {
    this.paths = paths;
    this.inodes = inodes;
    this.names = names;
  }

  @Override
  public boolean inode(long node) {
    return add(paths.noticesOfInode(node));
  }

  /**
   * As {@link #inode}: libfuse has one notice for attributes and bytes, and pages are read anew.
   */
  @Override
  public boolean range(long node, long offset, long length) {
    if (offset < 0 || length <= 0) {
      throw new IllegalArgumentException(length + " bytes at " + offset);
    }
    return inode(node);
  }

  @Override
  public boolean entry(long parent, byte[] name) {
    if (name.length == 0 || name.length > PathTable.NAME_MAX) {
      throw new IllegalArgumentException("a name of " + name.length + " bytes");
    }
    return add(paths.noticesOfName(parent, new String(name, StandardCharsets.ISO_8859_1)));
  }

  private boolean add(List<Notice> notices) {
    boolean told = !notices.isEmpty();
    for (Notice notice : notices) {
      NoticeQueue queue = notice.node() == PathTable.UNKNOWN ? names : inodes;
      told &= queue.add(notice);
    }
    return told;
  }
}
