package io.wormhole.daemon.control;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.FolderLook;
import io.wormhole.protocol.control.MountTable;
import io.wormhole.protocol.control.MountTable.Mount;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;

/** Folders to mount on: empty, and no mount yet. */
public final class MountPoint {
  private static final int CLASHES_MAX = 100;

  private MountPoint() {}

  /**
   * Checks a folder that a person gave. Takes a few seconds at most.
   *
   * @return the folder by the path that the kernel's table of mounts will have, without links
   * @throws ControlException if it is missing, no folder, in use, or a mount, or does not answer
   */
  public static Path check(Path directory) throws ControlException {
    return look(directory, MountPoint::checked);
  }

  /**
   * The path that the kernel's table of mounts has for a folder. What is mounted there is not
   * asked. Takes a few seconds at most.
   */
  public static Path located(Path directory) throws ControlException {
    return look(directory, FolderLook::locate);
  }

  private static Path checked(Path given) throws IOException, ControlException {
    Path directory = FolderLook.locate(given);
    refuseMount(directory);
    if (!Files.readAttributes(directory, BasicFileAttributes.class).isDirectory()) {
      throw new ControlException(
          ErrorKind.NOT_A_FOLDER,
          "not a folder: " + directory,
          "give an empty folder, or none for ~/Wormhole/NAME");
    }
    if (!isEmpty(directory)) {
      throw new ControlException(
          ErrorKind.NOT_EMPTY,
          "the folder is not empty: " + directory,
          "give an empty folder, or none for ~/Wormhole/NAME");
    }
    return directory;
  }

  private static Path look(Path directory, FolderLook.Look<Path> look) throws ControlException {
    try {
      return FolderLook.within(directory, look);
    } catch (NoSuchFileException missing) {
      throw new ControlException(
          ErrorKind.NO_SUCH_FOLDER,
          "no such folder: " + directory,
          "make it: mkdir -p " + directory,
          missing);
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
   * @return an empty folder that is no mount, by the path that the table of mounts will have
   * @throws ControlException if it cannot be made
   */
  public static Path prepare(Path parent, String name) throws ControlException {
    return look(parent.resolve(name), _ -> FolderLook.locate(prepared(parent, name)));
  }

  private static Path prepared(Path parent, String name) throws IOException, ControlException {
    Files.createDirectories(parent);
    for (int i = 1; i <= CLASHES_MAX; i++) {
      Path candidate = parent.resolve(i == 1 ? name : name + " (" + i + ")");
      if (MountTable.at(FolderLook.locate(candidate)).isEmpty()) {
        if (Files.notExists(candidate, LinkOption.NOFOLLOW_LINKS)) {
          return Files.createDirectory(candidate);
        }
        if (Files.isDirectory(candidate) && isEmpty(candidate)) {
          return candidate;
        }
      }
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
    String why =
        switch (e) {
          case AccessDeniedException _ -> "this user may not look at it";
          case FileSystemException said when said.getReason() != null -> said.getReason();
          default -> e.toString();
        };
    return new ControlException(
        ErrorKind.UNREADABLE,
        "cannot use the folder " + directory + ": " + why,
        "give another folder, or none for ~/Wormhole/NAME",
        e);
  }
}
