package io.wormhole.daemon.fuse.mounts;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Mounts of ours whose daemon was killed: "Transport endpoint is not connected" to whoever looks.
 */
public final class StaleMounts {
  private StaleMounts() {}

  /**
   * Clears such mounts. A mount that is served by whomever is left alone, and one that does not
   * answer within a second as well.
   *
   * @param directories mount points, or folders that have mount points below them; those that are
   *     missing do not matter
   * @return the mount points that were cleared
   * @throws IOException if the table of mounts cannot be read
   */
  public static List<Path> clear(Collection<Path> directories)
      throws IOException, InterruptedException {
    List<Path> located = new ArrayList<>();
    for (Path directory : directories) {
      locate(directory).ifPresent(located::add);
    }
    List<Path> cleared = new ArrayList<>();
    List<MountTable.Mount> mounts = MountTable.read().mounts();
    // Later mounts first: what is mounted below or over another one hides it.
    for (MountTable.Mount mount : mounts.reversed()) {
      if (isOurs(mount, located) && isOnTop(mount) && Liveness.isDead(mount.directory())) {
        Path directory = Path.of(mount.directory());
        if (isOnTop(mount) && Unmount.lazily(directory) == 0) {
          cleared.add(directory);
        }
      }
    }
    return cleared;
  }

  /** What does not exist has no mounts below it. */
  private static Optional<Path> locate(Path directory) throws IOException {
    try {
      return Optional.of(MountPoint.locate(directory));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private static boolean isOurs(MountTable.Mount mount, List<Path> directories) {
    return mount.type().equals(OurMounts.TYPE)
        && directories.stream().anyMatch(Path.of(mount.directory())::startsWith);
  }

  private static boolean isOnTop(MountTable.Mount mount) throws IOException {
    Optional<MountTable.Mount> top = MountTable.read().at(mount.directory());
    return top.isPresent() && top.get().id() == mount.id();
  }
}
