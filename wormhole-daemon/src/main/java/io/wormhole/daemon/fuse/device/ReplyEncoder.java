package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.FileSystemFigures;
import io.wormhole.daemon.fuse.device.Abi.AttrOut;
import io.wormhole.daemon.fuse.device.Abi.AttrStruct;
import io.wormhole.daemon.fuse.device.Abi.EntryOut;
import io.wormhole.daemon.fuse.device.Abi.OpenOut;
import io.wormhole.daemon.fuse.device.Abi.StatfsOut;
import io.wormhole.daemon.fuse.device.Abi.XattrOut;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** Writes answers the way the kernel reads them; each method says how many bytes it wrote. */
final class ReplyEncoder {
  private static final int PERMISSION_BITS = 07777;

  private ReplyEncoder() {}

  static int entry(MemorySegment to, Entry entry) {
    lifetimes(to, entry.validFor(), entry.attr().validFor());
    to.set(JAVA_LONG, EntryOut.NODE, entry.node());
    to.set(JAVA_LONG, EntryOut.GENERATION, entry.generation());
    attr(to.asSlice(EntryOut.ATTR), entry.attr());
    return EntryOut.BYTES;
  }

  /** An entry without a node: the kernel remembers that there is none of that name. */
  static int absence(MemorySegment to, Duration validFor) {
    to.asSlice(0, EntryOut.BYTES).fill((byte) 0);
    lifetimes(to, validFor, Duration.ZERO);
    return EntryOut.BYTES;
  }

  static int attr(MemorySegment to, Attr attr, Duration validFor) {
    to.set(JAVA_LONG, AttrOut.VALID, validFor.toSeconds());
    to.set(JAVA_INT, AttrOut.VALID_NANOS, validFor.toNanosPart());
    to.set(JAVA_INT, AttrOut.DUMMY, 0);
    attr(to.asSlice(AttrOut.ATTR), attr);
    return AttrOut.BYTES;
  }

  static int open(MemorySegment to, long handle, int flags) {
    to.set(JAVA_LONG, OpenOut.HANDLE, handle);
    to.set(JAVA_INT, OpenOut.FLAGS, flags);
    to.set(JAVA_INT, OpenOut.PADDING, 0);
    return OpenOut.BYTES;
  }

  static int figures(MemorySegment to, FileSystemFigures figures) {
    to.asSlice(0, StatfsOut.BYTES).fill((byte) 0);
    to.set(JAVA_LONG, StatfsOut.BLOCKS, figures.blocks());
    to.set(JAVA_LONG, StatfsOut.BLOCKS_FREE, figures.blocksFree());
    to.set(JAVA_LONG, StatfsOut.BLOCKS_AVAILABLE, figures.blocksAvailable());
    to.set(JAVA_LONG, StatfsOut.FILES, figures.files());
    to.set(JAVA_LONG, StatfsOut.FILES_FREE, figures.filesFree());
    to.set(JAVA_INT, StatfsOut.BLOCK_SIZE, figures.blockSize());
    to.set(JAVA_INT, StatfsOut.FRAGMENT_SIZE, figures.blockSize());
    to.set(JAVA_INT, StatfsOut.NAME_MAX, figures.nameMax());
    return StatfsOut.BYTES;
  }

  static int xattrLength(MemorySegment to, int bytes) {
    to.set(JAVA_INT, XattrOut.SIZE, bytes);
    to.set(JAVA_INT, XattrOut.PADDING, 0);
    return XattrOut.BYTES;
  }

  static int bytes(MemorySegment to, byte[] bytes) {
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, to, 0, bytes.length);
    return bytes.length;
  }

  private static void lifetimes(MemorySegment to, Duration entry, Duration attr) {
    to.set(JAVA_LONG, EntryOut.ENTRY_VALID, entry.toSeconds());
    to.set(JAVA_INT, EntryOut.ENTRY_VALID_NANOS, entry.toNanosPart());
    to.set(JAVA_LONG, EntryOut.ATTR_VALID, attr.toSeconds());
    to.set(JAVA_INT, EntryOut.ATTR_VALID_NANOS, attr.toNanosPart());
  }

  private static void attr(MemorySegment to, Attr attr) {
    to.set(JAVA_LONG, AttrStruct.INODE, attr.inode());
    to.set(JAVA_LONG, AttrStruct.SIZE, attr.size());
    to.set(JAVA_LONG, AttrStruct.BLOCKS, attr.blocks());
    to.set(JAVA_LONG, AttrStruct.ATIME, attr.atime().seconds());
    to.set(JAVA_LONG, AttrStruct.MTIME, attr.mtime().seconds());
    to.set(JAVA_LONG, AttrStruct.CTIME, attr.ctime().seconds());
    to.set(JAVA_INT, AttrStruct.ATIME_NANOS, attr.atime().nanos());
    to.set(JAVA_INT, AttrStruct.MTIME_NANOS, attr.mtime().nanos());
    to.set(JAVA_INT, AttrStruct.CTIME_NANOS, attr.ctime().nanos());
    to.set(JAVA_INT, AttrStruct.MODE, attr.type().modeBits() | (attr.mode() & PERMISSION_BITS));
    to.set(JAVA_INT, AttrStruct.LINKS, attr.links());
    to.set(JAVA_INT, AttrStruct.UID, attr.uid());
    to.set(JAVA_INT, AttrStruct.GID, attr.gid());
    to.set(JAVA_INT, AttrStruct.RDEV, 0);
    to.set(JAVA_INT, AttrStruct.BLOCK_SIZE, attr.blockSize());
    to.set(JAVA_INT, AttrStruct.FLAGS, 0);
  }
}
