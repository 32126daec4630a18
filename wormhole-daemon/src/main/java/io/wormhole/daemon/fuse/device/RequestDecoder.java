package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.device.Abi.AccessIn;
import io.wormhole.daemon.fuse.device.Abi.BatchForgetIn;
import io.wormhole.daemon.fuse.device.Abi.ForgetIn;
import io.wormhole.daemon.fuse.device.Abi.ForgetOne;
import io.wormhole.daemon.fuse.device.Abi.InHeader;
import io.wormhole.daemon.fuse.device.Abi.InterruptIn;
import io.wormhole.daemon.fuse.device.Abi.OpenIn;
import io.wormhole.daemon.fuse.device.Abi.ReadIn;
import io.wormhole.daemon.fuse.device.Abi.ReleaseIn;
import io.wormhole.daemon.fuse.device.Abi.XattrIn;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Reads the kernel's messages for a read-only file system: what would change something is refused
 * with EROFS, what is not known with ENOSYS, upon which the kernel helps itself or stops asking.
 * Pure, any thread may call.
 */
final class RequestDecoder {
  /** Linux's NAME_MAX; the kernel lets FUSE have up to 1024. */
  private static final int NAME_BYTES_MAX = 255;

  private static final int ACCESS_WRITE = 2;
  private static final int OPEN_ACCESS_MODE = 3;
  private static final int OPEN_TRUNCATE = 01000;

  private final int dataBytesMax;

  /**
   * @param dataBytesMax the most a read, a listing or an attribute may ask for
   */
  RequestDecoder(int dataBytesMax) {
    this.dataBytesMax = dataBytesMax;
  }

  /**
   * Decodes one message.
   *
   * @param message exactly what one read of the device brought, aligned to 8
   * @throws IndexOutOfBoundsException if it is shorter than its kind must be
   */
  Request decode(MemorySegment message) {
    long unique = message.get(JAVA_LONG, InHeader.UNIQUE);
    long node = message.get(JAVA_LONG, InHeader.NODE);
    MemorySegment body = message.asSlice(InHeader.BYTES);
    Opcode opcode = Opcode.of(message.get(JAVA_INT, InHeader.OPCODE));
    if (opcode == null) {
      return new Request.Refused(unique, Errno.ENOSYS);
    }
    return switch (opcode) {
      case LOOKUP -> lookup(unique, node, name(body, 0));
      case GETATTR -> new Request.Getattr(unique, node);
      case READLINK -> new Request.Readlink(unique, node);
      case OPEN -> open(unique, node, body.get(JAVA_INT, OpenIn.FLAGS));
      case OPENDIR -> new Request.Opendir(unique, node);
      case READ -> read(unique, node, body);
      case READDIR -> readdir(unique, node, body, false);
      case READDIRPLUS -> readdir(unique, node, body, true);
      case STATFS -> new Request.Statfs(unique, node);
      case GETXATTR -> getxattr(unique, node, body);
      case LISTXATTR -> listxattr(unique, node, body);
      case RELEASE -> new Request.Release(unique, node, body.get(JAVA_LONG, ReleaseIn.HANDLE));
      case RELEASEDIR ->
          new Request.Releasedir(unique, node, body.get(JAVA_LONG, ReleaseIn.HANDLE));
      case FORGET ->
          new Request.Forget(
              unique, new long[] {node}, new long[] {body.get(JAVA_LONG, ForgetIn.LOOKUPS)});
      case BATCH_FORGET -> batchForget(unique, body);
      case INTERRUPT -> new Request.Interrupt(unique, body.get(JAVA_LONG, InterruptIn.UNIQUE));
      case ACCESS ->
          (body.get(JAVA_INT, AccessIn.MASK) & ACCESS_WRITE) != 0
              ? new Request.Refused(unique, Errno.EROFS)
              : new Request.Accepted(unique);
      case FSYNC, FSYNCDIR -> new Request.Accepted(unique);
      case DESTROY -> new Request.Destroy(unique);
      case SETATTR,
          SYMLINK,
          MKNOD,
          MKDIR,
          UNLINK,
          RMDIR,
          RENAME,
          RENAME2,
          LINK,
          WRITE,
          SETXATTR,
          REMOVEXATTR,
          CREATE,
          TMPFILE,
          FALLOCATE,
          COPY_FILE_RANGE,
          COPY_FILE_RANGE_64 ->
          new Request.Refused(unique, Errno.EROFS);
      case IOCTL -> new Request.Refused(unique, Errno.ENOTTY);
      case INIT,
          GETLK,
          SETLK,
          SETLKW,
          BMAP,
          POLL,
          NOTIFY_REPLY,
          LSEEK,
          SETUPMAPPING,
          REMOVEMAPPING,
          SYNCFS,
          STATX,
          // Nothing is written: the kernel need not ask at each close.
          FLUSH ->
          new Request.Refused(unique, Errno.ENOSYS);
    };
  }

  private static Request lookup(long unique, long node, byte[] name) {
    return name.length > NAME_BYTES_MAX
        ? new Request.Refused(unique, Errno.ENAMETOOLONG)
        : new Request.Lookup(unique, node, name);
  }

  private static Request open(long unique, long node, int flags) {
    return (flags & (OPEN_ACCESS_MODE | OPEN_TRUNCATE)) != 0
        ? new Request.Refused(unique, Errno.EROFS)
        : new Request.Open(unique, node);
  }

  private Request read(long unique, long node, MemorySegment body) {
    int bytes = body.get(JAVA_INT, ReadIn.SIZE);
    if (bytes < 0 || bytes > dataBytesMax) {
      return new Request.Refused(unique, Errno.EINVAL);
    }
    return new Request.Read(
        unique,
        node,
        body.get(JAVA_LONG, ReadIn.HANDLE),
        body.get(JAVA_LONG, ReadIn.OFFSET),
        bytes);
  }

  /** A listing may always be answered in less than was asked for. */
  private Request readdir(long unique, long node, MemorySegment body, boolean plus) {
    return new Request.Readdir(
        unique,
        node,
        body.get(JAVA_LONG, ReadIn.HANDLE),
        body.get(JAVA_LONG, ReadIn.OFFSET),
        atMost(body.get(JAVA_INT, ReadIn.SIZE)),
        plus);
  }

  private Request getxattr(long unique, long node, MemorySegment body) {
    int bytes = atMost(body.get(JAVA_INT, XattrIn.SIZE));
    return new Request.Getxattr(unique, node, name(body, XattrIn.BYTES), bytes);
  }

  private Request listxattr(long unique, long node, MemorySegment body) {
    return new Request.Listxattr(unique, node, atMost(body.get(JAVA_INT, XattrIn.SIZE)));
  }

  private int atMost(int bytes) {
    return (int) Math.min(Integer.toUnsignedLong(bytes), dataBytesMax);
  }

  private static Request batchForget(long unique, MemorySegment body) {
    int count = body.get(JAVA_INT, BatchForgetIn.COUNT);
    MemorySegment records =
        body.asSlice(
            BatchForgetIn.BYTES, Integer.toUnsignedLong(count) * (long) Abi.ForgetOne.BYTES);
    long[] nodes = new long[count];
    long[] lookups = new long[count];
    for (int i = 0; i < count; i++) {
      long at = (long) i * ForgetOne.BYTES;
      nodes[i] = records.get(JAVA_LONG, at + ForgetOne.NODE);
      lookups[i] = records.get(JAVA_LONG, at + ForgetOne.LOOKUPS);
    }
    return new Request.Forget(unique, nodes, lookups);
  }

  /** The bytes up to the NUL that ends a name. */
  private static byte[] name(MemorySegment body, long at) {
    byte[] bytes = body.asSlice(at).toArray(JAVA_BYTE);
    int end = 0;
    while (bytes[end] != 0) {
      end++;
    }
    return Arrays.copyOf(bytes, end);
  }
}
