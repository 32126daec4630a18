package io.wormhole.daemon.fuse.mounts;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * The C library's calls that mounting needs. Each returns what the kernel answered, or a negated
 * error number; none keeps anything for a thread, so all may be called on virtual threads (which
 * stay on their carrier for the call).
 */
@SuppressWarnings("restricted")
public final class Libc {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int EINTR = 4;
  public static final int EAGAIN = 11;
  public static final int EACCES = 13;
  public static final int EBUSY = 16;
  public static final int ENODEV = 19;
  public static final int ENOTDIR = 20;
  public static final int EINVAL = 22;
  public static final int ENOTCONN = 107;

  public static final int O_WRONLY = 1;
  public static final int O_RDWR = 2;
  public static final int O_CLOEXEC = 02000000;

  public static final long MS_RDONLY = 1;
  public static final long MS_NOSUID = 2;
  public static final long MS_NODEV = 4;
  public static final long MS_REMOUNT = 32;
  public static final long MS_NOATIME = 1024;

  public static final int MNT_FORCE = 1;
  public static final int MNT_DETACH = 2;
  public static final int UMOUNT_NOFOLLOW = 8;

  /** What {@link #read} and {@link #write} leave the error number in. */
  public static final StructLayout ERRNO = Linker.Option.captureStateLayout();

  private static final int AT_FDCWD = -100;
  private static final int AT_STATX_FORCE_SYNC = 0x2000;
  private static final int STATX_TYPE = 1;
  private static final long STATX_BYTES = 256;
  private static final short POLLIN = 1;

  private static final int F_DUPFD_CLOEXEC = 1030;

  private static final long SYS_FSOPEN = 430;
  private static final long SYS_FSCONFIG = 431;
  private static final long SYS_FSMOUNT = 432;
  private static final int FSCONFIG_CMD_CREATE = 6;
  private static final int CLOEXEC = 1;

  private static final VarHandle ERRNO_VALUE = ERRNO.varHandle(PathElement.groupElement("errno"));

  private static final MethodHandle READ =
      handle("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle WRITE =
      handle("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle OPENAT =
      handle(
          "openat",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT),
          Linker.Option.firstVariadicArg(3));
  private static final MethodHandle CLOSE =
      handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle FCNTL =
      handle(
          "fcntl",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle POLL =
      handle("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
  private static final MethodHandle MOUNT =
      handle(
          "mount", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
  private static final MethodHandle UMOUNT2 =
      handle("umount2", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle STATX =
      handle(
          "statx", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle GETEUID = handle("geteuid", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle GETEGID = handle("getegid", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle GETPAGESIZE =
      handle("getpagesize", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle FSOPEN =
      handle(
          "syscall",
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT),
          Linker.Option.firstVariadicArg(1));
  private static final MethodHandle FSCONFIG =
      handle(
          "syscall",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT),
          Linker.Option.firstVariadicArg(1));
  private static final MethodHandle FSMOUNT =
      handle(
          "syscall",
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT),
          Linker.Option.firstVariadicArg(1));

  private Libc() {}

  /**
   * read(2), for a loop that brings its own memory.
   *
   * @param errno of layout {@link #ERRNO}
   */
  public static long read(int descriptor, MemorySegment buffer, long bytes, MemorySegment errno) {
    try {
      long count = (long) READ.invokeExact(errno, descriptor, buffer, bytes);
      return count < 0 ? -(int) ERRNO_VALUE.get(errno, 0L) : count;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /**
   * write(2), for a loop that brings its own memory.
   *
   * @param errno of layout {@link #ERRNO}
   */
  public static long write(int descriptor, MemorySegment buffer, long bytes, MemorySegment errno) {
    try {
      long count = (long) WRITE.invokeExact(errno, descriptor, buffer, bytes);
      return count < 0 ? -(int) ERRNO_VALUE.get(errno, 0L) : count;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public static int open(String path, int flags) {
    return openAt(AT_FDCWD, path, flags);
  }

  public static int openAt(int directory, String path, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(ERRNO);
      return result(
          (int) OPENAT.invokeExact(errno, directory, arena.allocateFrom(path), flags), errno);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public static int close(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(ERRNO);
      return result((int) CLOSE.invokeExact(errno, descriptor), errno);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Another descriptor of the same file, which no program that is started inherits. */
  public static int duplicate(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(ERRNO);
      return result((int) FCNTL.invokeExact(errno, descriptor, F_DUPFD_CLOEXEC, 0), errno);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Waits until a descriptor can be read: 1 if it can, 0 if the time is over. */
  public static int awaitReadable(int descriptor, int timeoutMillis) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(ERRNO);
      MemorySegment request = arena.allocate(MemoryLayout.structLayout(JAVA_INT, JAVA_INT));
      request.set(JAVA_INT, 0, descriptor);
      request.set(JAVA_SHORT, 4, POLLIN);
      return result((int) POLL.invokeExact(errno, request, 1L, timeoutMillis), errno);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public static int mount(String source, String target, String type, long flags, String options) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(ERRNO);
      return result(
          (int)
              MOUNT.invokeExact(
                  errno,
                  arena.allocateFrom(source),
                  arena.allocateFrom(target),
                  arena.allocateFrom(type),
                  flags,
                  arena.allocateFrom(options)),
          errno);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public static int umount2(String target, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(ERRNO);
      return result((int) UMOUNT2.invokeExact(errno, arena.allocateFrom(target), flags), errno);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /**
   * Asks the file system itself for an inode, past what the kernel remembers. Waits as long as the
   * file system lets it.
   */
  public static int probe(String path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(ERRNO);
      return result(
          (int)
              STATX.invokeExact(
                  errno,
                  AT_FDCWD,
                  arena.allocateFrom(path),
                  AT_STATX_FORCE_SYNC,
                  STATX_TYPE,
                  arena.allocate(STATX_BYTES, 8)),
          errno);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /**
   * A file system without a place in the tree (fsopen, fsconfig, fsmount; Linux 5.2): the
   * descriptor of its root.
   */
  public static int detachedMount(String type) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(ERRNO);
      MemorySegment name = arena.allocateFrom(type);
      int context =
          result((int) (long) FSOPEN.invokeExact(errno, SYS_FSOPEN, name, CLOEXEC), errno);
      if (context < 0) {
        return context;
      }
      try {
        int created =
            result(
                (int)
                    (long)
                        FSCONFIG.invokeExact(
                            errno,
                            SYS_FSCONFIG,
                            context,
                            FSCONFIG_CMD_CREATE,
                            MemorySegment.NULL,
                            MemorySegment.NULL,
                            0),
                errno);
        return created < 0
            ? created
            : result(
                (int) (long) FSMOUNT.invokeExact(errno, SYS_FSMOUNT, context, CLOEXEC, 0), errno);
      } finally {
        close(context);
      }
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public static int geteuid() {
    return plain(GETEUID);
  }

  public static int getegid() {
    return plain(GETEGID);
  }

  public static int pageSize() {
    return plain(GETPAGESIZE);
  }

  private static int plain(MethodHandle call) {
    try (Arena arena = Arena.ofConfined()) {
      return (int) call.invokeExact(arena.allocate(ERRNO));
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static int result(int answer, MemorySegment errno) {
    return answer < 0 ? -(int) ERRNO_VALUE.get(errno, 0L) : answer;
  }

  private static IllegalStateException unexpected(Throwable e) {
    return new IllegalStateException("a call of the C library could not be made", e);
  }

  private static MethodHandle handle(
      String name, FunctionDescriptor descriptor, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    List<Linker.Option> all = new ArrayList<>(List.of(options));
    all.add(Linker.Option.captureCallState("errno"));
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name), descriptor, all.toArray(Linker.Option[]::new));
  }
}
