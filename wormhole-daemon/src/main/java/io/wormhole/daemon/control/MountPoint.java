package io.wormhole.daemon.control;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.MountTable;
import io.wormhole.protocol.control.MountTable.Mount;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;

/** Folders to mount on: empty, and no mount yet. */
public final class MountPoint {
  private static final int CLASHES_MAX = 100;

  private MountPoint() {}

  /**
   * Checks a folder that a person gave.
   *
   * @throws ControlException if it is missing, no folder, in use, or a mount
   */
  public static void check(Path directory) throws ControlException {
    try {
      refuseMount(directory);
      if (Files.notExists(directory, LinkOption.NOFOLLOW_LINKS)) {
        throw new ControlException(
            ErrorKind.NO_SUCH_FOLDER,
            "no such folder: " + directory,
            "make it: mkdir " + directory);
      }
      if (!Files.isDirectory(directory)) {
        throw new ControlException(
            ErrorKind.NOT_A_FOLDER,
            "not a folder: " + directory,
            "give an empty folder, or none for ~/Wormhole/NAME");
      }
      refuseMount(directory.toRealPath());
      if (!isEmpty(directory)) {
        throw new ControlException(
            ErrorKind.NOT_EMPTY,
            "the folder is not empty: " + directory,
            "give an empty folder, or none for ~/Wormhole/NAME");
      }
    } catch (IOException e) {
      throw unusable(directory, e);
    }
  }

  /**
   * Finds or makes the folder of a share that is mounted without one being given: the share's own
   * name, or that and a number where something else has taken it.
   *
   * @param parent absolute
   * @param name checked: a plain file name that fits a terminal
   * @return an empty folder that is no mount
   * @throws ControlException if it cannot be made
   */
  public static Path prepare(Path parent, String name) throws ControlException {
    try {
      for (int i = 1; i <= CLASHES_MAX; i++) {
        Path candidate = parent.resolve(i == 1 ? name : name + " (" + i + ")");
        if (MountTable.at(candidate).isEmpty()) {
          if (Files.notExists(candidate, LinkOption.NOFOLLOW_LINKS)) {
            return Files.createDirectories(candidate);
          }
          if (Files.isDirectory(candidate) && isEmpty(candidate)) {
            return candidate;
          }
        }
      }
    } catch (IOException e) {
      throw unusable(parent.resolve(name), e);
    }
    throw new ControlException(
        ErrorKind.NOT_EMPTY,
        parent.resolve(name) + " and its " + CLASHES_MAX + " numbered forms are taken",
        "give a folder to mount on");
  }

  private static void refuseMount(Path directory) throws IOException, ControlException {
    Optional<Mount> there = MountTable.at(directory);
    if (there.isPresent()) {
      throw new ControlException(
          ErrorKind.ALREADY_MOUNTED,
          "something is mounted there already: " + directory,
          there.get().isOwn() ? "wormhole unmount " + directory : "give another folder");
    }
  }

  private static boolean isEmpty(Path directory) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      return !entries.iterator().hasNext();
    }
  }

  private static ControlException unusable(Path directory, IOException e) {
    return new ControlException(
        ErrorKind.UNREADABLE, "cannot use the folder " + directory + ": " + e, null, e);
  }
}
