package io.wormhole.daemon.fuse.mounts;

import java.io.IOException;
import java.nio.file.Path;

/** Unmounts as whoever runs this process: by the kernel's call, or by the users' helper. */
public final class Unmount {
  private Unmount() {}

  /**
   * Unmounts what is on top at a mount point.
   *
   * @param flags of umount2(2); the helper knows MNT_DETACH only
   * @return 0, or a negated error number: EBUSY where it is in use, EINVAL where nothing is mounted
   */
  public static int at(Path directory, int flags) {
    int result = Libc.umount2(directory.toString(), flags | Libc.UMOUNT_NOFOLLOW);
    if (result != -Libc.EPERM || Libc.geteuid() == 0) {
      return result;
    }
    try {
      if (Fusermount.find().isEmpty()) {
        return -Libc.EPERM;
      }
      if (Fusermount.unmount(directory, (flags & Libc.MNT_DETACH) != 0)) {
        return 0;
      }
      // It tells its reasons in words only. What it may unmount and does not is in use.
      return MountTable.read().at(directory.toString()).isEmpty() ? -Libc.EINVAL : -Libc.EBUSY;
    } catch (IOException e) {
      return -Libc.EPERM;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return -Libc.EINTR;
    }
  }

  /** Takes a mount out of the tree, in use or not; a negated error number if that fails. */
  public static int lazily(Path directory) {
    return at(directory, Libc.MNT_DETACH);
  }
}
