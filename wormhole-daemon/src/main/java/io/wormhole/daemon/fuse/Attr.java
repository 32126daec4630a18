package io.wormhole.daemon.fuse;

import java.time.Duration;

/**
 * Attributes of an inode as the kernel is told them.
 *
 * @param inode {@code st_ino}, which need not be the node id
 * @param mode permission bits, 07777 at most
 * @param uid owner, as the mounting machine numbers it
 * @param blocks of 512 bytes
 * @param validFor how long the kernel may keep them; zero for not at all
 */
public record Attr(
    FileType type,
    long inode,
    long size,
    long blocks,
    int mode,
    int links,
    int uid,
    int gid,
    int blockSize,
    Time atime,
    Time mtime,
    Time ctime,
    Duration validFor) {

  /**
   * A point in time.
   *
   * @param seconds since 1970, negative before
   * @param nanos 0 to 999,999,999
   */
  public record Time(long seconds, int nanos) {}
}
