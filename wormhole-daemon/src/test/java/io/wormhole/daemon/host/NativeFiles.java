package io.wormhole.daemon.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/** Makes files under names of any bytes, and mounts, by the C library. */
@SuppressWarnings("restricted")
final class NativeFiles {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle MKDIR = call("mkdir", ADDRESS, JAVA_INT);
  private static final MethodHandle MKFIFO = call("mkfifo", ADDRESS, JAVA_INT);
  private static final MethodHandle MKNOD = call("mknod", ADDRESS, JAVA_INT, JAVA_LONG);
  private static final MethodHandle SYMLINK = call("symlink", ADDRESS, ADDRESS);
  private static final MethodHandle CHMOD = call("chmod", ADDRESS, JAVA_INT);
  private static final MethodHandle MOUNT =
      call("mount", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
  private static final MethodHandle UMOUNT = call("umount2", ADDRESS, JAVA_INT);
  private static final MethodHandle SETFSUID = call("setfsuid", JAVA_INT);
  private static final int S_IFREG = 0x8000;
  private static final int O_RDWR = 2;
  private static final int MS_BIND = 0x1000;
  private static final int MNT_DETACH = 2;

  private NativeFiles() {}

  /** One name below a folder, in bytes. */
  static byte[] below(byte[] folder, byte[] name) {
    byte[] path = new byte[folder.length + 1 + name.length];
    System.arraycopy(folder, 0, path, 0, folder.length);
    path[folder.length] = '/';
    System.arraycopy(name, 0, path, folder.length + 1, name.length);
    return path;
  }

  static byte[] bytes(Object path) {
    return path.toString().getBytes(StandardCharsets.UTF_8);
  }

  static void emptyFile(byte[] path) {
    try (Arena arena = Arena.ofConfined()) {
      must((int) MKNOD.invokeExact(text(arena, path), S_IFREG | 0644, 0L));
    } catch (Throwable fault) {
      throw new AssertionError(fault);
    }
  }

  static void folder(byte[] path) {
    try (Arena arena = Arena.ofConfined()) {
      must((int) MKDIR.invokeExact(text(arena, path), 0755));
    } catch (Throwable fault) {
      throw new AssertionError(fault);
    }
  }

  static void fifo(byte[] path) {
    try (Arena arena = Arena.ofConfined()) {
      must((int) MKFIFO.invokeExact(text(arena, path), 0644));
    } catch (Throwable fault) {
      throw new AssertionError(fault);
    }
  }

  static void link(byte[] path, byte[] target) {
    try (Arena arena = Arena.ofConfined()) {
      must((int) SYMLINK.invokeExact(text(arena, target), text(arena, path)));
    } catch (Throwable fault) {
      throw new AssertionError(fault);
    }
  }

  /** All twelve bits, set-id and sticky among them. */
  static void mode(byte[] path, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      must((int) CHMOD.invokeExact(text(arena, path), mode));
    } catch (Throwable fault) {
      throw new AssertionError(fault);
    }
  }

  static void mountTmpfs(byte[] point) {
    mount(bytes("tmpfs"), point, "tmpfs", 0, "");
  }

  /**
   * Mounts what never answers a request, as a mount of this program whose daemon hangs.
   *
   * @return the descriptor that keeps it so, to be given to {@link #unmountSilent}
   */
  static int mountSilent(byte[] point) {
    try (CallFrame frame = new CallFrame()) {
      int device = LinuxCalls.open(frame.capture(), frame.path(bytes("/dev/fuse")), O_RDWR);
      mount(
          bytes("wormhole"),
          point,
          MountTable.OWN_TYPE,
          0,
          "fd=%d,rootmode=40000,user_id=0,group_id=0".formatted(device));
      return device;
    }
  }

  static void unmountSilent(byte[] point, int device) {
    unmount(point);
    try (CallFrame frame = new CallFrame()) {
      frame.closeDescriptor(device);
    }
  }

  /** A file or folder seen at a second place. */
  static void bind(byte[] from, byte[] point) {
    mount(from, point, "none", MS_BIND, "");
  }

  static void unmount(byte[] point) {
    try (Arena arena = Arena.ofConfined()) {
      must((int) UMOUNT.invokeExact(text(arena, point), MNT_DETACH));
    } catch (Throwable fault) {
      throw new AssertionError(fault);
    }
  }

  /** Makes this thread, and no other, an ordinary user to file systems. */
  static void becomeOrdinary() {
    try {
      int before = (int) SETFSUID.invokeExact(65534);
      int after = (int) SETFSUID.invokeExact(-1);
      if (before != 0 || after != 65534) {
        throw new AssertionError("setfsuid: " + before + ", " + after);
      }
    } catch (Throwable fault) {
      throw new AssertionError(fault);
    }
  }

  private static void mount(byte[] from, byte[] point, String type, long flags, String options) {
    try (Arena arena = Arena.ofConfined()) {
      must(
          (int)
              MOUNT.invokeExact(
                  text(arena, from),
                  text(arena, point),
                  text(arena, bytes(type)),
                  flags,
                  text(arena, bytes(options))));
    } catch (Throwable fault) {
      throw new AssertionError(fault);
    }
  }

  private static void must(int result) {
    if (result != 0) {
      throw new AssertionError("a system call failed");
    }
  }

  private static MemorySegment text(Arena arena, byte[] text) {
    MemorySegment copy = arena.allocate(text.length + 1L);
    MemorySegment.copy(text, 0, copy, JAVA_BYTE, 0, text.length);
    return copy;
  }

  private static MethodHandle call(String name, MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().find(name).orElseThrow(),
        FunctionDescriptor.of(JAVA_INT, arguments));
  }
}
