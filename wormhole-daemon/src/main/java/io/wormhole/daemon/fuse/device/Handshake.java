package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import io.wormhole.daemon.fuse.device.Abi.InHeader;
import io.wormhole.daemon.fuse.device.Abi.InitIn;
import io.wormhole.daemon.fuse.device.Abi.InitOut;
import io.wormhole.daemon.fuse.mounts.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/** The INIT request, which comes first on a connection and settles what both ends do. */
final class Handshake {
  /** The most the kernel asks for in one read. */
  static final int DATA_BYTES_MAX = 1 << 20;

  /** The mount is read-only: nothing is written, and readers need little memory. */
  static final int MAX_WRITE_BYTES = 4096;

  /** Reads ahead that may be under way, and from how many on the kernel counts as congested. */
  private static final short MAX_BACKGROUND = 64;

  private static final short CONGESTION_THRESHOLD = 48;

  /**
   * Not ASYNC_DIO: while it is on, a program that waits in a direct read cannot be killed. Neither
   * POSIX_LOCKS nor FLOCK_LOCKS: without them the kernel keeps locks among its own processes.
   */
  private static final int FLAGS_WANTED =
      Abi.ASYNC_READ
          | Abi.BIG_WRITES
          | Abi.AUTO_INVAL_DATA
          | Abi.DO_READDIRPLUS
          | Abi.READDIRPLUS_AUTO
          | Abi.PARALLEL_DIROPS
          | Abi.MAX_PAGES
          | Abi.CACHE_SYMLINKS;

  private static final int DEADLINE_MILLIS = 5000;

  private final int pageBytes;

  /**
   * @param pageBytes the machine's page size
   */
  Handshake(int pageBytes) {
    this.pageBytes = pageBytes;
  }

  /** Takes the request in and answers it. */
  void perform(Device device) throws MountException {
    if (Libc.awaitReadable(device.descriptor(), DEADLINE_MILLIS) != 1) {
      throw new MountException(
          Kind.REFUSED,
          "The kernel mounted but did not begin to talk within "
              + DEADLINE_MILLIS / 1000
              + " s. Try again; dmesg may say more.");
    }
    try (Arena arena = Arena.ofConfined();
        Reply reply = new Reply(ReplyPool.SMALL_BYTES)) {
      MemorySegment buffer = arena.allocate(Abi.MIN_READ_BUFFER_BYTES + MAX_WRITE_BYTES, 4096);
      long count = device.read(buffer, arena.allocate(Libc.ERRNO));
      if (count < InHeader.BYTES
          || Opcode.of(buffer.get(JAVA_INT, InHeader.OPCODE)) != Opcode.INIT) {
        throw new MountException(
            Kind.REFUSED, "The kernel began to talk with something else than INIT: " + count);
      }
      long unique = buffer.get(JAVA_LONG, InHeader.UNIQUE);
      int bytes = answer(buffer.asSlice(InHeader.BYTES, count - InHeader.BYTES), reply.payload());
      long written = reply.send(device, unique, bytes);
      if (written < 0) {
        throw new MountException(
            Kind.REFUSED, "The kernel refused the answer to INIT, error number " + -written);
      }
    }
  }

  /** Writes the answer to what the kernel offers; its length in bytes. */
  int answer(MemorySegment offer, MemorySegment answer) throws MountException {
    int major = offer.get(JAVA_INT, InitIn.MAJOR_VERSION);
    int minor = offer.get(JAVA_INT, InitIn.MINOR_VERSION);
    if (major != Abi.MAJOR || minor < Abi.MINOR_NEEDED) {
      throw new MountException(
          Kind.KERNEL_TOO_OLD,
          String.format(
              Locale.ROOT,
              "The kernel speaks FUSE %d.%d; %d.%d or newer is needed (Linux 3.15). Update the"
                  + " kernel.",
              major,
              minor,
              Abi.MAJOR,
              Abi.MINOR_NEEDED));
    }
    answer.asSlice(0, InitOut.BYTES).fill((byte) 0);
    answer.set(JAVA_INT, InitOut.MAJOR_VERSION, Abi.MAJOR);
    answer.set(JAVA_INT, InitOut.MINOR_VERSION, Abi.MINOR);
    answer.set(JAVA_INT, InitOut.MAX_READAHEAD, offer.get(JAVA_INT, InitIn.MAX_READAHEAD));
    answer.set(JAVA_INT, InitOut.FLAGS, offer.get(JAVA_INT, InitIn.FLAGS) & FLAGS_WANTED);
    answer.set(JAVA_SHORT, InitOut.MAX_BACKGROUND, MAX_BACKGROUND);
    answer.set(JAVA_SHORT, InitOut.CONGESTION_THRESHOLD, CONGESTION_THRESHOLD);
    answer.set(JAVA_INT, InitOut.MAX_WRITE, MAX_WRITE_BYTES);
    answer.set(JAVA_INT, InitOut.TIME_GRANULARITY, 1);
    answer.set(JAVA_SHORT, InitOut.MAX_PAGES, (short) Math.max(1, DATA_BYTES_MAX / pageBytes));
    return InitOut.BYTES;
  }
}
