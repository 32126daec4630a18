package io.wormhole.daemon.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The system calls this room needs, for 64-bit Linux on x86-64 and aarch64, by the C library that
 * the process runs on. Every call returns what the kernel returns: a value of 0 or more, or the
 * negated {@link HostErrno}. Any thread; nothing is kept between calls.
 *
 * <p>Numbers and layouts: {@code openat2(2)}, {@code statx(2)}, {@code getdents64(2)}, {@code
 * statfs(2)} and the kernel's uapi headers.
 */
@SuppressWarnings("restricted")
final class LinuxCalls {
  /** Bytes of {@code struct statx}. */
  static final int STATX_BYTES = 256;

  /** Bytes of {@code struct statfs}, larger than either architecture's. */
  static final int STATFS_BYTES = 256;

  /** Bytes of {@code struct open_how}. */
  static final int OPEN_HOW_BYTES = 24;

  /** Bytes of a path the kernel takes in one call, without its closing zero. */
  static final int PATH_MAX_BYTES = 4095;

  static final int O_RDONLY = 0;
  static final int O_NOCTTY = 0x100;
  static final int O_NONBLOCK = 0x800;
  static final int O_CLOEXEC = 0x80000;
  static final int O_PATH = 0x200000;
  static final int O_DIRECTORY = onArm() ? 0x4000 : 0x10000;
  static final int O_NOFOLLOW = onArm() ? 0x8000 : 0x20000;

  static final int AT_FDCWD = -100;
  static final int AT_SYMLINK_NOFOLLOW = 0x100;
  static final int AT_NO_AUTOMOUNT = 0x800;
  static final int AT_EMPTY_PATH = 0x1000;
  static final int AT_STATX_DONT_SYNC = 0x4000;

  static final int STATX_TYPE = 0x1;
  static final int STATX_BASIC_STATS = 0x7ff;
  static final int STATX_BTIME = 0x800;
  static final int STATX_MNT_ID = 0x1000;

  private static final long SYS_OPENAT2 = 437;
  private static final int SEEK_SET = 0;
  private static final int SEEK_DATA = 3;
  private static final int RLIMIT_NOFILE = 7;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final SymbolLookup LIBRARY = LINKER.defaultLookup();
  private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
  private static final VarHandle ERRNO =
      Linker.Option.captureStateLayout()
          .varHandle(MemoryLayout.PathElement.groupElement("errno"))
          .withInvokeExactBehavior();

  private static final MethodHandle SYSCALL =
      LINKER.downcallHandle(
          symbol("syscall"),
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG),
          CAPTURE,
          Linker.Option.firstVariadicArg(1));
  private static final MethodHandle OPEN =
      LINKER.downcallHandle(
          symbol("open"),
          FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
          CAPTURE,
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle CLOSE =
      LINKER.downcallHandle(symbol("close"), FunctionDescriptor.of(JAVA_INT, JAVA_INT), CAPTURE);
  private static final MethodHandle STATX =
      LINKER.downcallHandle(
          symbol("statx"),
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS),
          CAPTURE);
  private static final MethodHandle GETDENTS =
      LINKER.downcallHandle(
          symbol("getdents64"),
          FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG),
          CAPTURE);
  private static final MethodHandle READLINKAT =
      LINKER.downcallHandle(
          symbol("readlinkat"),
          FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG),
          CAPTURE);
  private static final MethodHandle PREAD =
      LINKER.downcallHandle(
          symbol("pread"),
          FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG),
          CAPTURE);
  private static final MethodHandle LSEEK =
      LINKER.downcallHandle(
          symbol("lseek"),
          FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT),
          CAPTURE);
  private static final MethodHandle FSTATFS =
      LINKER.downcallHandle(
          symbol("fstatfs"), FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS), CAPTURE);
  private static final MethodHandle GETRLIMIT =
      LINKER.downcallHandle(
          symbol("getrlimit"), FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS), CAPTURE);

  private LinuxCalls() {}

  /** Bytes a call's errno capture needs. */
  static long captureBytes() {
    return Linker.Option.captureStateLayout().byteSize();
  }

  /**
   * {@code openat2(2)}: a new descriptor.
   *
   * @param path closed by a zero
   * @param how room for {@link #OPEN_HOW_BYTES}, written here
   */
  static int openat2(
      MemorySegment capture,
      int folder,
      MemorySegment path,
      MemorySegment how,
      int flags,
      long resolve) {
    how.set(JAVA_LONG, 0, Integer.toUnsignedLong(flags));
    how.set(JAVA_LONG, 8, 0);
    how.set(JAVA_LONG, 16, resolve);
    try {
      long result =
          (long)
              SYSCALL.invokeExact(
                  capture, SYS_OPENAT2, (long) folder, path, how, (long) OPEN_HOW_BYTES);
      return (int) orErrno(capture, result);
    } catch (Throwable fault) {
      throw unexpected(fault);
    }
  }

  /** {@code open(2)} without creation: a new descriptor. */
  static int open(MemorySegment capture, MemorySegment path, int flags) {
    try {
      return (int) orErrno(capture, (int) OPEN.invokeExact(capture, path, flags));
    } catch (Throwable fault) {
      throw unexpected(fault);
    }
  }

  /** {@code close(2)}. The descriptor is gone whatever is returned. */
  static int close(MemorySegment capture, int descriptor) {
    try {
      return (int) orErrno(capture, (int) CLOSE.invokeExact(capture, descriptor));
    } catch (Throwable fault) {
      throw unexpected(fault);
    }
  }

  /**
   * {@code statx(2)}.
   *
   * @param status {@link #STATX_BYTES}, filled on 0
   */
  static int statx(
      MemorySegment capture,
      int folder,
      MemorySegment path,
      int flags,
      int mask,
      MemorySegment status) {
    try {
      return (int)
          orErrno(capture, (int) STATX.invokeExact(capture, folder, path, flags, mask, status));
    } catch (Throwable fault) {
      throw unexpected(fault);
    }
  }

  /** {@code getdents64(2)}: bytes of entries, 0 at the end. */
  static int getdents64(MemorySegment capture, int folder, MemorySegment entries) {
    try {
      return (int)
          orErrno(
              capture, (long) GETDENTS.invokeExact(capture, folder, entries, entries.byteSize()));
    } catch (Throwable fault) {
      throw unexpected(fault);
    }
  }

  /** {@code readlinkat(2)}: bytes of the target, cut at the room there is. */
  static int readlinkat(
      MemorySegment capture, int folder, MemorySegment path, MemorySegment target) {
    try {
      return (int)
          orErrno(
              capture,
              (long) READLINKAT.invokeExact(capture, folder, path, target, target.byteSize()));
    } catch (Throwable fault) {
      throw unexpected(fault);
    }
  }

  /** {@code pread(2)}: bytes read, 0 at the end of the file. */
  static long pread(MemorySegment capture, int file, MemorySegment destination, long offset) {
    try {
      return orErrno(
          capture,
          (long) PREAD.invokeExact(capture, file, destination, destination.byteSize(), offset));
    } catch (Throwable fault) {
      throw unexpected(fault);
    }
  }

  /** {@code lseek(2)} to a position that {@link #getdents64} gave. */
  static long seekTo(MemorySegment capture, int folder, long position) {
    return lseek(capture, folder, position, SEEK_SET);
  }

  /** {@code lseek(2)} to the first data at or after an offset. */
  static long seekData(MemorySegment capture, int file, long offset) {
    return lseek(capture, file, offset, SEEK_DATA);
  }

  private static long lseek(MemorySegment capture, int descriptor, long offset, int whence) {
    try {
      return orErrno(capture, (long) LSEEK.invokeExact(capture, descriptor, offset, whence));
    } catch (Throwable fault) {
      throw unexpected(fault);
    }
  }

  /**
   * {@code fstatfs(2)}.
   *
   * @param figures {@link #STATFS_BYTES}, filled on 0
   */
  static int fstatfs(MemorySegment capture, int descriptor, MemorySegment figures) {
    try {
      return (int) orErrno(capture, (int) FSTATFS.invokeExact(capture, descriptor, figures));
    } catch (Throwable fault) {
      throw unexpected(fault);
    }
  }

  /** How many descriptors this process may have: the soft limit. */
  static long descriptorLimit() {
    try (CallFrame frame = new CallFrame()) {
      MemorySegment limit = frame.status();
      int result = (int) GETRLIMIT.invokeExact(frame.capture(), RLIMIT_NOFILE, limit);
      // RLIM_INFINITY is all ones.
      long soft = limit.get(JAVA_LONG, 0);
      return result != 0 ? 1024 : soft < 0 ? Long.MAX_VALUE : soft;
    } catch (Throwable fault) {
      throw unexpected(fault);
    }
  }

  private static long orErrno(MemorySegment capture, long result) {
    return result >= 0 ? result : -(long) (int) ERRNO.get(capture, 0L);
  }

  private static MemorySegment symbol(String name) {
    return LIBRARY
        .find(name)
        .orElseThrow(() -> new UnsatisfiedLinkError("the C library has no " + name));
  }

  private static boolean onArm() {
    return System.getProperty("os.arch").equals("aarch64");
  }

  /** A downcall throws nothing of its own: what comes out is an error of the virtual machine. */
  private static RuntimeException unexpected(Throwable fault) {
    if (fault instanceof Error error) {
      throw error;
    }
    return fault instanceof RuntimeException runtime ? runtime : new IllegalStateException(fault);
  }
}
