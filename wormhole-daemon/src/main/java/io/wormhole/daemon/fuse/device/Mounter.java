package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.mounts.Libc;
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
}
