package io.wormhole.daemon.fuse;

import java.io.IOException;
import java.nio.file.Path;

/** An unmount was refused because something else is mounted over the mount. */
public final class MountCoveredException extends IOException {
  private static final long serialVersionUID = 1L;

  /**
   * @param cover what it is, in words
   */
  public MountCoveredException(Path directory, String cover) {
    super(cover + " is mounted over " + directory);
  }
}
