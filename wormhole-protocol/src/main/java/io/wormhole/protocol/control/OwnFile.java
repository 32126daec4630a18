package io.wormhole.protocol.control;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** Files that this user's programs act by: nobody else but root may have written them. */
public final class OwnFile {
  private static final Set<PosixFilePermission> OTHERS_WRITE =
      EnumSet.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

  private OwnFile() {}

  /**
   * Refuses a file or folder that others can write, or that is neither ours nor root's. A link
   * counts as what it points to; a file's mode counts for nothing in a folder that nobody but us
   * may enter, whatever the umask was when it was made.
   *
   * @throws NoSuchFileException if it is not there
   * @throws ControlException with what to do about it
   */
  public static void refuseWritable(Path path) throws ControlException, IOException {
    PosixFileAttributes found = Files.readAttributes(path, PosixFileAttributes.class);
    if (!PrivateFolder.isUs(found.owner()) && (int) Files.getAttribute(path, "unix:uid") != 0) {
      throw new ControlException(
          ErrorKind.FAILED,
          "%s belongs to another user, %s".formatted(path, found.owner().getName()),
          "take it over with chown, or move it away");
    }
    if (!Collections.disjoint(found.permissions(), OTHERS_WRITE) && !isOutOfReach(path)) {
      throw new ControlException(
          ErrorKind.FAILED,
          "other users can write " + path,
          "look through it, then: chmod go-w " + path);
    }
  }

  private static boolean isOutOfReach(Path path) throws IOException {
    Path folder = path.toRealPath().getParent();
    return folder != null && Files.isRegularFile(path) && PrivateFolder.isPrivate(folder);
  }
}
