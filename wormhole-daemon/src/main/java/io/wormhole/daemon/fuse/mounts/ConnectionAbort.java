package io.wormhole.daemon.fuse.mounts;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Cuts a connection off through the kernel's control file system ({@code
 * Documentation/filesystems/fuse}, "Aborting a filesystem connection"): whoever waits in it gets an
 * error and its readers ENODEV, wherever the mount is by now.
 */
public final class ConnectionAbort {
  private static final String CONTROL = "/sys/fs/fuse/connections";

  private ConnectionAbort() {}

  /**
   * Aborts.
   *
   * @param device of the mount, {@code major:minor}; the minor number names the connection
   * @return whether the kernel took it; it does not if the connection is gone
   */
  public static boolean abort(String device) {
    String file = device.substring(device.indexOf(':') + 1) + "/abort";
    return write(Libc.open(CONTROL + "/" + file, Libc.O_WRONLY | Libc.O_CLOEXEC))
        || abortDetached(file);
  }

  /** Where nobody has mounted the control file system: root can have it without a place. */
  private static boolean abortDetached(String file) {
    int control = Libc.detachedMount("fusectl");
    if (control < 0) {
      return false;
    }
    try {
      return write(Libc.openAt(control, file, Libc.O_WRONLY | Libc.O_CLOEXEC));
    } finally {
      Libc.close(control);
    }
  }

  private static boolean write(int descriptor) {
    if (descriptor < 0) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment one = arena.allocate(1);
      one.set(JAVA_BYTE, 0, (byte) '1');
      return Libc.write(descriptor, one, 1, arena.allocate(Libc.ERRNO)) == 1;
    } finally {
      Libc.close(descriptor);
    }
  }
}
