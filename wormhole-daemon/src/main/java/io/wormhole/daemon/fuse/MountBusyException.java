package io.wormhole.daemon.fuse;

import java.io.IOException;
import java.nio.file.Path;

/** An unmount was refused because the mount is in use; it is mounted still. */
public final class MountBusyException extends IOException {
  private static final long serialVersionUID = 1L;

  public MountBusyException(Path directory) {
    this(directory, "");
  }

  /**
   * @param holders who uses it, in words; empty if that is not to be found out
   */
  public MountBusyException(Path directory, String holders) {
    super(
        directory
            + " is busy: "
            + (holders.isEmpty()
                ? "a program has a file open or its working folder in it"
                : holders));
  }
}
