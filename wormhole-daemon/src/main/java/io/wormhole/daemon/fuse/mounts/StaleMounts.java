package io.wormhole.daemon.fuse.mounts;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Mounts of ours whose daemon was killed: "Transport endpoint is not connected" to whoever looks.
 */
public final class StaleMounts {
  private StaleMounts() {}

  /** Clears such mounts, where nothing is known of their daemons. */
  public static List<Path> clear(Collection<Path> directories)
      throws IOException, InterruptedException {
    return clear(directories, Set.of());
  }

  /**
   * Clears such mounts. A mount that is served by whomever is left alone, and one that does not
   * answer within a second as well, unless its daemon is known to be gone: then a thread of that
   * may be stuck in the kernel with the connection, and whoever waits in the mount waits for ever,
   * so the connection is aborted.
   *
   * @param directories mount points, or folders that have mount points below them; those that are
   *     missing do not matter
   * @param devices of mounts whose daemon is gone, {@code major:minor}
   * @return the mount points that were cleared
   * @throws IOException if the table of mounts cannot be read
   */
  public static List<Path> clear(Collection<Path> directories, Set<String> devices)
      throws IOException, InterruptedException {
    List<Path> located = new ArrayList<>();
    for (Path directory : directories) {
      locate(directory).ifPresent(located::add);
    }
    List<Path> cleared = new ArrayList<>();
    List<MountTable.Mount> mounts = MountTable.read().mounts();
    // Later mounts first: what is mounted below or over another one hides it.
    for (MountTable.Mount mount : mounts.reversed()) {
      if (isOurs(mount, located) && isOnTop(mount) && isStale(mount, devices)) {
        Path directory = Path.of(mount.directory());
        if (isOnTop(mount) && Unmount.lazily(directory) == 0) {
          cleared.add(directory);
        }
      }
    }
    return cleared;
  }

  private static boolean isStale(MountTable.Mount mount, Set<String> devices)
      throws InterruptedException {
    return switch (Liveness.of(mount.directory())) {
      case DEAD -> true;
      case SERVED -> false;
      case SILENT -> devices.contains(mount.device()) && ConnectionAbort.abort(mount.device());
    };
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
