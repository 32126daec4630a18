package io.wormhole.protocol.control;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** Folders that nobody but their owner may look into: mode 0700, ours, and no link. */
public final class PrivateFolder {
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> OTHERS =
      EnumSet.of(
          PosixFilePermission.GROUP_READ,
          PosixFilePermission.GROUP_WRITE,
          PosixFilePermission.GROUP_EXECUTE,
          PosixFilePermission.OTHERS_READ,
          PosixFilePermission.OTHERS_WRITE,
          PosixFilePermission.OTHERS_EXECUTE);

  private PrivateFolder() {}

  /**
   * Makes the folder, and its parents as usual, or checks the one that is there.
   *
   * @throws ControlException if it belongs to another user, others may enter it, or it cannot be
   *     made
   */
  public static void ensure(Path folder) throws ControlException {
    try {
      Path parent = folder.getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    } catch (FileAlreadyExistsException e) {
      check(folder);
    } catch (IOException e) {
      throw new ControlException(
          ErrorKind.FAILED,
          "cannot make the folder " + folder + ": " + e,
          "set WORMHOLE_HOME to a folder that can be written",
          e);
    }
  }

  /** Makes what is missing of the folder and its parents, for their owner only. */
  public static void create(Path folder) throws IOException {
    Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
  }

  /**
   * Checks a folder that must be there already.
   *
   * @throws ControlException as {@link #ensure}
   */
  public static void check(Path folder) throws ControlException {
    PosixFileAttributes attributes;
    try {
      attributes =
          Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      throw new ControlException(
          ErrorKind.FAILED, "cannot look at the folder " + folder + ": " + e, null, e);
    }
    if (!attributes.isDirectory()) {
      throw refused(folder + " is no folder", "remove it, or set WORMHOLE_HOME");
    }
    if (!isOurs(folder)) {
      throw refused(
          folder + " belongs to " + attributes.owner().getName() + ", not to you",
          "set WORMHOLE_HOME to a folder of your own");
    }
    if (!Collections.disjoint(attributes.permissions(), OTHERS)) {
      throw refused("others may enter " + folder, "chmod 700 " + folder);
    }
  }

  /** Whether it is a folder of ours that nobody else may enter. */
  static boolean isPrivate(Path folder) throws IOException {
    return isOurs(folder)
        && Collections.disjoint(
            Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS), OTHERS);
  }

  /** Whether this process's user owns the file or folder itself, links not followed. */
  static boolean isOurs(Path path) {
    try {
      return isUs(Files.getOwner(path, LinkOption.NOFOLLOW_LINKS));
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether it is the user of this process. */
  static boolean isUs(UserPrincipal user) throws IOException {
    return user.equals(self());
  }

  /** The user of this process; {@code /proc/self} knows one that has no name, too. */
  private static UserPrincipal self() throws IOException {
    Path self = Path.of("/proc/self");
    return Files.exists(self)
        ? Files.getOwner(self)
        : self.getFileSystem()
            .getUserPrincipalLookupService()
            .lookupPrincipalByName(System.getProperty("user.name"));
  }

  private static ControlException refused(String message, String next) {
    return new ControlException(ErrorKind.FAILED, message, next);
  }
}
