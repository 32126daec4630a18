package io.wormhole.daemon.control;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.MountTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Folders to share: there, readable, and not ours to begin with. */
final class SharedFolder {
  private SharedFolder() {}

  /**
   * Checks a folder before anything is opened or announced.
   *
   * @throws ControlException if it is missing, no folder, unreadable, or inside a mount of ours
   */
  static void check(Path directory) throws ControlException {
    try {
      refuseOwnMount(directory);
      if (Files.notExists(directory)) {
        throw new ControlException(
            ErrorKind.NO_SUCH_FOLDER, "no such folder: " + directory, "check the path");
      }
      if (!Files.isDirectory(directory) && Files.exists(directory)) {
        throw new ControlException(
            ErrorKind.NOT_A_FOLDER,
            "not a folder: " + directory,
            "share the folder it is in: " + directory.getParent());
      }
      if (!Files.isReadable(directory) || !Files.isExecutable(directory)) {
        throw new ControlException(
            ErrorKind.UNREADABLE,
            "the folder cannot be read: " + directory,
            "its owner can allow it: chmod u+rx " + directory);
      }
      refuseOwnMount(directory.toRealPath());
    } catch (IOException e) {
      throw new ControlException(
          ErrorKind.UNREADABLE, "cannot use the folder " + directory + ": " + e, null, e);
    }
  }

  private static void refuseOwnMount(Path directory) throws IOException, ControlException {
    if (MountTable.ownAround(directory).isPresent()) {
      throw new ControlException(
          ErrorKind.NOT_SHAREABLE,
          "the folder is inside a mount of another share: " + directory,
          "share it from the machine it comes from");
    }
  }
}
