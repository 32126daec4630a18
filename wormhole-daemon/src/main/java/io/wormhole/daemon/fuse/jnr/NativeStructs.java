package io.wormhole.daemon.fuse.jnr;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.FileSystemFigures;
import io.wormhole.daemon.fuse.FileType;
import java.lang.foreign.MemorySegment;

/**
 * The C structures of libfuse 2.9 and the C library that callbacks read and fill, by offset in
 * bytes. All are the same on x86-64 and aarch64, but for {@code struct stat}.
 */
final class NativeStructs {
  /** {@code struct stat} of one kind of machine; what {@code linkBytes} says is the width. */
  record Stat(
      long bytes,
      long inode,
      long mode,
      long links,
      int linkBytes,
      long uid,
      long gid,
      long size,
      long blockSize,
      int blockSizeBytes,
      long blocks,
      long atime,
      long mtime,
      long ctime) {
    static final Stat X86_64 = new Stat(144, 8, 24, 16, 8, 28, 32, 48, 56, 8, 64, 72, 88, 104);
    static final Stat AARCH64 = new Stat(128, 8, 16, 20, 4, 24, 28, 48, 56, 4, 64, 72, 88, 104);

    /** That of the machine this runs on. */
    static Stat here() {
      return switch (System.getProperty("os.arch")) {
        case "amd64", "x86_64" -> X86_64;
        case "aarch64" -> AARCH64;
        case String other ->
            throw new UnsupportedOperationException("struct stat is not known on " + other);
      };
    }

    /** Fills all fields. */
    void write(MemorySegment to, Attr attr) {
      to.asSlice(0, bytes).fill((byte) 0);
      writeKind(to, attr.inode(), attr.type(), attr.mode());
      word(to, links, linkBytes, attr.links());
      to.set(JAVA_INT, uid, attr.uid());
      to.set(JAVA_INT, gid, attr.gid());
      to.set(JAVA_LONG, size, attr.size());
      word(to, blockSize, blockSizeBytes, attr.blockSize());
      to.set(JAVA_LONG, blocks, attr.blocks());
      time(to, atime, attr.atime());
      time(to, mtime, attr.mtime());
      time(to, ctime, attr.ctime());
    }

    /** Fills what a listing needs: the inode's number and kind. */
    void writeKind(MemorySegment to, long number, FileType type, int permissions) {
      to.set(JAVA_LONG, inode, number);
      to.set(JAVA_INT, mode, type.modeBits() | permissions);
    }

    private static void word(MemorySegment to, long offset, int width, int value) {
      if (width == Long.BYTES) {
        to.set(JAVA_LONG, offset, value);
      } else {
        to.set(JAVA_INT, offset, value);
      }
    }

    private static void time(MemorySegment to, long offset, Attr.Time time) {
      to.set(JAVA_LONG, offset, time.seconds());
      to.set(JAVA_LONG, offset + 8, time.nanos());
    }
  }

  /** {@code struct statvfs}. */
  static final class Statvfs {
    static final long BYTES = 112;
    static final long BLOCK_SIZE = 0;
    static final long FRAGMENT_SIZE = 8;
    static final long BLOCKS = 16;
    static final long BLOCKS_FREE = 24;
    static final long BLOCKS_AVAILABLE = 32;
    static final long FILES = 40;
    static final long FILES_FREE = 48;
    static final long NAME_MAX = 80;

    private Statvfs() {}

    static void write(MemorySegment to, FileSystemFigures figures) {
      to.asSlice(0, BYTES).fill((byte) 0);
      to.set(JAVA_LONG, BLOCK_SIZE, figures.blockSize());
      to.set(JAVA_LONG, FRAGMENT_SIZE, figures.blockSize());
      to.set(JAVA_LONG, BLOCKS, figures.blocks());
      to.set(JAVA_LONG, BLOCKS_FREE, figures.blocksFree());
      to.set(JAVA_LONG, BLOCKS_AVAILABLE, figures.blocksAvailable());
      to.set(JAVA_LONG, FILES, figures.files());
      to.set(JAVA_LONG, FILES_FREE, figures.filesFree());
      to.set(JAVA_LONG, NAME_MAX, figures.nameMax());
    }
  }

  /** {@code struct fuse_file_info}. The bits after {@code writepage} are one word. */
  static final class FileInfo {
    static final long BYTES = 40;
    static final long FLAGS = 0;
    static final long BITS = 20;
    static final int KEEP_CACHE = 2;
    static final long HANDLE = 24;

    private FileInfo() {}
  }

  /** {@code struct fuse_buf}. */
  static final class Buffer {
    static final long BYTES = 40;
    static final long SIZE = 0;
    static final long FLAGS = 8;
    static final long MEMORY = 16;

    private Buffer() {}
  }

  /** {@code struct fuse_in_header}, which every request of the kernel begins with. */
  static final class InHeader {
    static final long BYTES = 40;
    static final long LENGTH = 0;
    static final long OPCODE = 4;
    static final long UNIQUE = 8;
    static final long NODE = 16;

    /** After the header of an interrupt: the request that is meant. */
    static final long INTERRUPTED = BYTES;

    /** After the header of a lookup or an unlink: the name, which a zero byte ends. */
    static final long NAME = BYTES;

    private InHeader() {}
  }

  private NativeStructs() {}
}
