package io.wormhole.daemon.host;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What the host's kernel says of a file.
 *
 * @param mode permission bits, set-id and sticky bits gone: 0777 at most
 * @param blocks of 512 bytes
 * @param birth {@link Stamp#NONE} where the file system keeps none
 * @param mountId of the mount it was seen through
 */
record FileStatus(
    NodeKind kind,
    long device,
    long inode,
    int mode,
    int links,
    long size,
    long blocks,
    Stamp mtime,
    Stamp ctime,
    Stamp atime,
    Stamp birth,
    long mountId) {
  private static final int EMPTY_FOLDER_MODE = 0555;

  /**
   * Reads a {@code struct statx}, the same on every architecture.
   *
   * @param statx as {@link LinuxCalls#statx} has filled it
   */
  static FileStatus read(MemorySegment statx) {
    int mask = statx.get(JAVA_INT_UNALIGNED, 0);
    int mode = Short.toUnsignedInt(statx.get(JAVA_SHORT_UNALIGNED, 28));
    long device =
        (Integer.toUnsignedLong(statx.get(JAVA_INT_UNALIGNED, 136)) << 32)
            | Integer.toUnsignedLong(statx.get(JAVA_INT_UNALIGNED, 140));
    return new FileStatus(
        NodeKind.ofMode(mode),
        device,
        statx.get(JAVA_LONG_UNALIGNED, 32),
        mode & 0777,
        statx.get(JAVA_INT_UNALIGNED, 16),
        statx.get(JAVA_LONG_UNALIGNED, 40),
        statx.get(JAVA_LONG_UNALIGNED, 48),
        stamp(statx, 112),
        stamp(statx, 96),
        stamp(statx, 64),
        (mask & LinuxCalls.STATX_BTIME) == 0 ? Stamp.NONE : stamp(statx, 80),
        (mask & LinuxCalls.STATX_MNT_ID) == 0 ? 0 : statx.get(JAVA_LONG_UNALIGNED, 144));
  }

  /**
   * The empty folder shown where something is mounted. Nothing of the mounted file system is asked
   * for, which may be one that does not answer. Its inode number is made from the folder's and the
   * name, with the top bit set, so that a listing and a look at the path agree.
   */
  static FileStatus mountPoint(FileStatus folder, byte[] name) {
    long inode = folder.inode * 31 + folder.device;
    inode = mix(inode * 31 + Arrays.hashCode(name)) | Long.MIN_VALUE;
    return new FileStatus(
        NodeKind.MOUNT_POINT,
        folder.device,
        inode,
        EMPTY_FOLDER_MODE,
        2,
        0,
        0,
        folder.mtime,
        folder.ctime,
        folder.mtime,
        Stamp.NONE,
        folder.mountId);
  }

  /** An entry of which only what its folder says is known. Nobody may do anything with it. */
  static FileStatus unknown(NodeKind kind, FileStatus folder, long inode) {
    return new FileStatus(
        kind,
        folder.device,
        inode,
        0,
        1,
        0,
        0,
        Stamp.NONE,
        Stamp.NONE,
        Stamp.NONE,
        Stamp.NONE,
        folder.mountId);
  }

  /** Which file it is, whatever it holds and is called. */
  Identity identity() {
    return new Identity(device, inode, birth);
  }

  /** Whether nothing was written between two looks at one file. */
  boolean sameVersion(FileStatus other) {
    return device == other.device
        && inode == other.inode
        && size == other.size
        && mtime.equals(other.mtime)
        && ctime.equals(other.ctime);
  }

  /** The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable PRNGs, 2014). */
  static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  private static Stamp stamp(MemorySegment statx, long at) {
    return new Stamp(
        statx.get(JAVA_LONG_UNALIGNED, at), statx.get(JAVA_INT_UNALIGNED, at + Long.BYTES));
  }

  /**
   * Which file it is. An inode number that is used again has another birth.
   *
   * @param birth {@link Stamp#NONE} where the file system keeps none
   */
  record Identity(long device, long inode, Stamp birth) {}
}
