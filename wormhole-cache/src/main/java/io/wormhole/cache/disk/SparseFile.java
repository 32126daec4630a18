package io.wormhole.cache.disk;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * A file in which only what was written takes blocks of the disk, and no longer than until it is
 * freed. Readable and writable by its owner alone. Any thread may call; an interrupt closes the
 * file, so threads that may be interrupted must not.
 */
@SuppressWarnings("restricted")
final class SparseFile implements Closeable {
  /** What blocks of the common file systems measure. */
  static final int BLOCK_BYTES = 4096;

  static final FileAttribute<?> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private static final int O_RDWR = 2;
  private static final int O_CLOEXEC = 02000000;
  private static final int FALLOC_FL_KEEP_SIZE = 1;
  private static final int FALLOC_FL_PUNCH_HOLE = 2;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;
  private static final int CHECKED_AT_ONCE = 1 << 20;
  private static final byte[] ZEROS = new byte[BLOCK_BYTES];
  private static final int AT_FDCWD = -100;
  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int STATX_BLOCKS = 0x400;
  private static final int STATX_BYTES = 256;
  private static final int STX_BLOCKS = 48;
  private static final int STAT_BLOCK_BYTES = 512;

  private static final MethodHandle OPEN =
      handle(
          "open",
          FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle CLOSE =
      handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle FALLOCATE =
      handle(
          "fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle LSEEK =
      handle("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  private static final MethodHandle STATX =
      handle(
          "statx", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));

  private final FileChannel channel;
  private final int descriptor;

  private SparseFile(FileChannel channel, int descriptor) {
    this.channel = channel;
    this.descriptor = descriptor;
  }

  /** Opens a file that is made if it is not there. */
  static SparseFile open(Path path) throws IOException {
    FileChannel channel =
        FileChannel.open(
            path,
            Set.copyOf(
                EnumSet.of(
                    StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)),
            OWNER_ONLY);
    // Java has no call that frees a range, and does not tell its descriptors.
    try (Arena arena = Arena.ofConfined()) {
      int descriptor =
          (int) OPEN.invokeExact(arena.allocateFrom(path.toString()), O_RDWR | O_CLOEXEC);
      if (descriptor < 0) {
        throw new IOException(path + " cannot be opened");
      }
      return new SparseFile(channel, descriptor);
    } catch (Throwable failed) {
      channel.close();
      throw rethrown(failed);
    }
  }

  /**
   * Fills a segment.
   *
   * @return false if the file ends before; then the segment's bytes are of no use
   */
  boolean read(long position, MemorySegment destination) throws IOException {
    ByteBuffer buffer = destination.asByteBuffer();
    long at = position;
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, at);
      if (read < 0) {
        return false;
      }
      at += read;
    }
    return true;
  }

  /** Writes a whole segment. */
  void write(long position, MemorySegment bytes) throws IOException {
    ByteBuffer buffer = bytes.asByteBuffer();
    long at = position;
    while (buffer.hasRemaining()) {
      at += channel.write(buffer, at);
    }
  }

  /** Gives the blocks of a range back, where the file system can; it reads as zeros then. */
  void free(long position, long length) throws IOException {
    try {
      int _ =
          (int)
              FALLOCATE.invokeExact(
                  descriptor, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, position, length);
    } catch (Throwable failed) {
      throw rethrown(failed);
    }
  }

  /** Bytes of the disk it takes. */
  long allocatedBytes() throws IOException {
    return allocatedBytes(descriptor, "", AT_EMPTY_PATH);
  }

  /** Bytes of the disk that a file takes; 0 if there is none. */
  static long allocatedBytes(Path file) throws IOException {
    return allocatedBytes(AT_FDCWD, file.toString(), 0);
  }

  private static long allocatedBytes(int folder, String path, int flags) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stat = arena.allocate(STATX_BYTES, Long.BYTES);
      int result =
          (int) STATX.invokeExact(folder, arena.allocateFrom(path), flags, STATX_BLOCKS, stat);
      return result == 0 ? stat.get(JAVA_LONG, STX_BLOCKS) * STAT_BLOCK_BYTES : 0;
    } catch (Throwable failed) {
      throw rethrown(failed);
    }
  }

  /**
   * A check of a file as it stands on the disk, to tell whether somebody changed it; 0 if there is
   * none. Holes are not read, and blocks of zeros count as such: some file systems make them so.
   */
  static long checkOf(Path path) throws IOException {
    if (!Files.exists(path)) {
      return 0;
    }
    CRC32C crc = new CRC32C();
    byte[] part = new byte[CHECKED_AT_ONCE];
    try (SparseFile file = open(path)) {
      for (long at = file.seek(0, SEEK_DATA); at >= 0; at = file.seek(at, SEEK_DATA)) {
        long end = file.seek(at, SEEK_HOLE);
        if (end <= at) {
          break;
        }
        at -= at % BLOCK_BYTES;
        while (at < end) {
          int read = file.channel.read(ByteBuffer.wrap(part), at);
          if (read <= 0) {
            return crc.getValue();
          }
          check(crc, at, part, read);
          at += read;
        }
      }
    }
    return crc.getValue();
  }

  private static void check(CRC32C crc, long position, byte[] part, int length) {
    for (int from = 0; from < length; from += BLOCK_BYTES) {
      int to = Math.min(from + BLOCK_BYTES, length);
      if (!Arrays.equals(part, from, to, ZEROS, 0, to - from)) {
        crc.update(ByteBuffer.allocate(Long.BYTES).putLong(position + from).flip());
        crc.update(part, from, to - from);
      }
    }
  }

  /** Where data, or a hole, is next; negative if there is no more. */
  private long seek(long from, int what) throws IOException {
    try {
      return (long) LSEEK.invokeExact(descriptor, from, what);
    } catch (Throwable failed) {
      throw rethrown(failed);
    }
  }

  long size() throws IOException {
    return channel.size();
  }

  /** Makes what was written outlive a power cut. */
  void force() throws IOException {
    channel.force(true);
  }

  /** Empties it. */
  void clear() throws IOException {
    channel.truncate(0);
  }

  @Override
  public void close() throws IOException {
    channel.close();
    try {
      int _ = (int) CLOSE.invokeExact(descriptor);
    } catch (Throwable failed) {
      throw rethrown(failed);
    }
  }

  private static IOException rethrown(Throwable failed) {
    return switch (failed) {
      case IOException io -> io;
      case RuntimeException bug -> throw bug;
      case Error error -> throw error;
      default -> throw new IllegalStateException(failed);
    };
  }

  private static MethodHandle handle(
      String name, FunctionDescriptor signature, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), signature, options);
  }
}
