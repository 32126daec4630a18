package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import io.wormhole.daemon.fuse.MountOptions;
import java.nio.file.Path;

/** How a file system gets its place in the tree, and its device. Any thread may call. */
sealed interface Mounter permits RootMounter, UserMounter {
  /** The one that fits whoever runs this process. */
  static Mounter ofThisUser() {
    return Libc.geteuid() == 0 ? new RootMounter() : new UserMounter();
  }

  /**
   * Finds out whether this user can mount at all.
   *
   * @throws MountException of kind {@code NOT_ROOT} or {@code NO_DEVICE} if not
   */
  void check() throws MountException;

  /**
   * Mounts.
   *
   * @param directory that has been checked
   * @return the connection's device, the caller's to close; nothing is mounted if this fails
   */
  Device mount(Path directory, MountOptions options) throws MountException, InterruptedException;

  /** The device, open. */
  static Device openDevice() throws MountException {
    int descriptor = Libc.open(Device.PATH, Libc.O_RDWR | Libc.O_CLOEXEC);
    if (descriptor >= 0) {
      return new Device(descriptor);
    }
    throw new MountException(
        Kind.NO_DEVICE,
        switch (-descriptor) {
          case Libc.ENOENT, Libc.ENODEV ->
              Device.PATH
                  + " is missing. Run: modprobe fuse; in a container, start it with"
                  + " --device /dev/fuse.";
          case Libc.EPERM, Libc.EACCES ->
              Libc.geteuid() == 0
                  ? Device.PATH
                      + " may not be opened. In a container, start it with --device /dev/fuse"
                      + " and --cap-add SYS_ADMIN."
                  : Device.PATH
                      + " may not be opened by this user. As root: chmod 666 "
                      + Device.PATH
                      + "; in a container, start it with --device /dev/fuse.";
          default ->
              Device.PATH
                  + " cannot be opened, error number "
                  + -descriptor
                  + ". Run: modprobe fuse.";
        });
  }
}
