package io.wormhole.daemon.fuse.jnr;

import io.wormhole.daemon.fuse.Attr;
import org.jspecify.annotations.Nullable;

/**
 * A path's inode, as the kernel knows it by that path. What is not final is guarded by the {@link
 * PathTable} it is of.
 */
final class Place {
  /** What the kernel's pages of a file were read under. */
  record Version(long size, Attr.Time mtime) {
    static Version of(Attr attr) {
      return new Version(attr.size(), attr.mtime());
    }
  }

  final long node;

  /** Which path that is. */
  final String path;

  /** The last that was heard of it; none of the root. */
  @Nullable Version version;

  /** How often the file system gave the node out for it, which is to be given back. */
  long lookups = 1;

  /** By the table while it is in there, by each call and each open handle. */
  int holds;

  /** Open handles of a file. */
  int opens;

  /** None if the kernel may have pages of any. */
  @Nullable Version pages;

  /** What the kernel called it last; {@link PathTable#UNKNOWN} until it has asked for it so. */
  long kernelNode;

  Place(long node, String path) {
    this.node = node;
    this.path = path;
  }
}
