package io.wormhole.daemon.fuse.mounts;

import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a file system is to be mounted. The folder itself is not looked at before the table of
 * mounts has said that nothing is mounted there: what is mounted may be dead, or answer never.
 */
public final class MountPoint {
  private static final int LINKS_MAX = 40;

  private MountPoint() {}

  /** The folder of a mount to be, absolute and without links, after all checks. */
  public static Path check(Path given) throws MountException, InterruptedException {
    try {
      Path directory = locate(given);
      Optional<MountTable.Mount> mount = MountTable.read().at(directory.toString());
      if (mount.isPresent()) {
        throw occupied(directory, mount.get());
      }
      if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
        throw Files.exists(directory, LinkOption.NOFOLLOW_LINKS)
            ? new MountException(
                Kind.NOT_A_DIRECTORY,
                directory + " is not a folder. Name an empty folder to mount on.")
            : missing(directory);
      }
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        if (entries.iterator().hasNext()) {
          throw new MountException(
              Kind.NOT_EMPTY,
              directory + " is not empty; a mount would hide what is in it. Name an empty folder.");
        }
      }
      return directory;
    } catch (NoSuchFileException e) {
      throw missing(given);
    } catch (IOException e) {
      throw new MountException(
          Kind.UNREADABLE, given + " cannot be used as a mount point: " + e.getMessage());
    }
  }

  /**
   * A path absolute and without links, found without looking at what is mounted at its end.
   *
   * @throws NoSuchFileException if a folder on the way is missing; the last one may be
   */
  static Path locate(Path given) throws IOException {
    Path path = given.toAbsolutePath();
    for (int links = 0; links < LINKS_MAX; links++) {
      Path name = path.getFileName();
      Path parent = path.getParent();
      if (name == null || parent == null || name.toString().matches("\\.{0,2}")) {
        return path.toRealPath();
      }
      Path located = parent.toRealPath().resolve(name);
      try {
        path = located.resolveSibling(Files.readSymbolicLink(located));
      } catch (NotLinkException | NoSuchFileException e) {
        return located;
      }
    }
    throw new IOException("too many symbolic links");
  }

  private static MountException missing(Path directory) {
    return new MountException(
        Kind.MOUNT_POINT_MISSING,
        directory + " does not exist. Make it first: mkdir -p " + directory);
  }

  private static MountException occupied(Path directory, MountTable.Mount mount)
      throws InterruptedException {
    if (mount.type().startsWith("fuse") && Liveness.isDead(directory.toString())) {
      return new MountException(
          Kind.DEAD_MOUNT,
          directory
              + " holds a mount whose daemon is gone. Clear it: "
              + (Libc.geteuid() == 0 ? "umount -l " : Fusermount.NAME + " -u -z ")
              + directory);
    }
    return new MountException(
        Kind.ALREADY_MOUNTED,
        directory
            + " is a mount point already, of "
            + mount.source()
            + " ("
            + mount.type()
            + "). Unmount that first or name another folder.");
  }
}
