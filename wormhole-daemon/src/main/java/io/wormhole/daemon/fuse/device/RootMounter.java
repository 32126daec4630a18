package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.mounts.FuseDevice;
import io.wormhole.daemon.fuse.mounts.Libc;
import io.wormhole.daemon.fuse.mounts.OurMounts;
import java.nio.file.Path;

/** Mounts by {@code mount(2)}, with no library between. */
final class RootMounter implements Mounter {
  @Override
  public void check() throws MountException {
    Libc.close(FuseDevice.open());
  }

  @Override
  public Device mount(Path directory, MountOptions options) throws MountException {
    Device device = new Device(FuseDevice.open());
    boolean mounted = false;
    try {
      mount(device, directory, options);
      mounted = true;
      return device;
    } finally {
      if (!mounted) {
        device.close();
      }
    }
  }

  private static void mount(Device device, Path directory, MountOptions options)
      throws MountException {
    String text =
        "fd="
            + device.descriptor()
            + ",rootmode=40000,user_id="
            + Libc.geteuid()
            + ",group_id="
            + Libc.getegid()
            + ",default_permissions,max_read="
            + Handshake.DATA_BYTES_MAX
            + (options.allowOther() ? ",allow_other" : "");
    int result =
        Libc.mount(
            OurMounts.source(options.name()),
            directory.toString(),
            OurMounts.TYPE,
            Libc.MS_RDONLY | Libc.MS_NOSUID | Libc.MS_NODEV | Libc.MS_NOATIME,
            text);
    switch (-result) {
      case 0 -> {}
      case Libc.EPERM, Libc.EACCES ->
          throw new MountException(
              Kind.REFUSED,
              "The kernel does not let this process mount on "
                  + directory
                  + ". In a container, start it with --cap-add SYS_ADMIN.");
      case Libc.ENOENT, Libc.ENOTDIR ->
          throw new MountException(
              Kind.MOUNT_POINT_MISSING, directory + " was taken away just now. Make it again.");
      default ->
          throw new MountException(
              Kind.REFUSED,
              "The kernel refused to mount on " + directory + ", error number " + -result + ".");
    }
  }
}
