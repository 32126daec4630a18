package io.wormhole.daemon.fuse.jnr;

import io.wormhole.daemon.fuse.KernelNotifier;

/**
 * Tells the kernel of changes as far as libfuse's names let it: of files that are open, whose nodes
 * are known. What it says of anything else lasts a second ({@link JnrSettings#validFor}).
 */
final class JnrNotifier implements KernelNotifier {
  private final PathTable paths;
  private final PageInvalidation invalidation;

  JnrNotifier(PathTable paths, PageInvalidation invalidation) {
    this.paths = paths;
    this.invalidation = invalidation;
  }

  @Override
  public boolean inode(long node) {
    long[] known = paths.kernelNodes(node);
    for (long kernelNode : known) {
      invalidation.request(kernelNode);
    }
    return known.length > 0;
  }

  @Override
  public boolean range(long node, long offset, long length) {
    if (offset < 0 || length <= 0) {
      throw new IllegalArgumentException(length + " bytes at " + offset);
    }
    return inode(node);
  }

  @Override
  public boolean entry(long parent, byte[] name) {
    return false;
  }
}
