package io.wormhole.daemon.fuse;

import java.io.IOException;
import java.nio.file.Path;

/** An unmount was refused because the mount is in use; it is mounted still. */
public final class MountBusyException extends IOException {
  private static final long serialVersionUID = 1L;

  public MountBusyException(Path directory) {
    super(directory + " is busy: a program has a file open or its working folder in it");
  }
}
