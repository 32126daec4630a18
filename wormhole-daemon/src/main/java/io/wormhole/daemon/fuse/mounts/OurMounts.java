package io.wormhole.daemon.fuse.mounts;

import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** How mounts of ours stand in the kernel's table, whichever backend made them. */
public final class OurMounts {
  /** What comes after {@code fuse.} in their type. */
  public static final String SUBTYPE = "wormhole";

  /** Their type. */
  public static final String TYPE = "fuse." + SUBTYPE;

  private static final int NAME_MAX = 200;

  private OurMounts() {}

  /**
   * A name fit for the table of mounts: the kernel escapes what its own format cannot hold, control
   * characters would still reach somebody's terminal.
   */
  public static String source(String name) {
    String shown =
        name.codePoints()
            .limit(NAME_MAX)
            .map(c ->
                Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE ? '?' : c)
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    return shown.isBlank() ? SUBTYPE : shown;
  }

  /** The device, {@code major:minor}, of a mount that was just made. */
  public static String deviceNumber(Path directory) throws MountException {
    try {
      return MountTable.read()
          .at(directory.toString())
          .filter(mount -> mount.type().equals(TYPE))
          .orElseThrow(() ->
              new MountException(
                  Kind.REFUSED, "The new mount on " + directory + " is gone already."))
          .device();
    } catch (IOException e) {
      throw new MountException(
          Kind.REFUSED, "The table of mounts cannot be read: " + e.getMessage());
    }
  }

  /**
   * Clears what a connection that is over may have left: when it was aborted, its mount is still
   * there, or where it was moved, and answers ENOTCONN only. A mount of another device is left
   * alone, and so is one below something else.
   *
   * @param device of the mount, {@code major:minor}
   */
  public static void leaveNoDeadMount(Path directory, String device, FaultLog faults) {
    try {
      MountTable table = MountTable.read();
      Optional<Path> left =
          table
              .find(device, directory.toString())
              .map(MountTable.Mount::directory)
              .filter(at -> table.at(at).filter(top -> top.device().equals(device)).isPresent())
              .map(Path::of);
      // Elsewhere it may be another mount, which was given the number as soon as it was free.
      if (left.isPresent()
          && (left.get().equals(directory) || Liveness.isDead(left.get().toString()))) {
        detach(left.get());
      }
    } catch (IOException e) {
      faults.report("The table of mounts cannot be read", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Takes a mount out of the tree, whoever is in it; does not fail if there is none. */
  public static void detach(Path directory) {
    Unmount.lazily(directory);
  }
}
