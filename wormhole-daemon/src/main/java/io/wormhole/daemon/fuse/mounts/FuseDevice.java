package io.wormhole.daemon.fuse.mounts;

import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;

/** The kernel's door to FUSE, {@code /dev/fuse}. */
public final class FuseDevice {
  public static final String PATH = "/dev/fuse";

  private FuseDevice() {}

  /**
   * Opens it.
   *
   * @return a descriptor, which the caller closes
   * @throws MountException of kind {@code NO_DEVICE} if it is missing or may not be opened
   */
  public static int open() throws MountException {
    int descriptor = Libc.open(PATH, Libc.O_RDWR | Libc.O_CLOEXEC);
    if (descriptor >= 0) {
      return descriptor;
    }
    throw new MountException(
        Kind.NO_DEVICE,
        switch (-descriptor) {
          case Libc.ENOENT, Libc.ENODEV ->
              PATH
                  + " is missing. Run: modprobe fuse; in a container, start it with"
                  + " --device /dev/fuse.";
          case Libc.EPERM, Libc.EACCES ->
              Libc.geteuid() == 0
                  ? PATH
                      + " may not be opened. In a container, start it with --device /dev/fuse"
                      + " and --cap-add SYS_ADMIN."
                  : PATH
                      + " may not be opened by this user. As root: chmod 666 "
                      + PATH
                      + "; in a container, start it with --device /dev/fuse.";
          default ->
              PATH + " cannot be opened, error number " + -descriptor + ". Run: modprobe fuse.";
        });
  }
}
