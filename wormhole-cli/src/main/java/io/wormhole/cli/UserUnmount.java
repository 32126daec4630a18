package io.wormhole.cli;

import io.wormhole.protocol.control.MountTable;
import io.wormhole.protocol.control.MountTable.Mount;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Takes a mount of this user away with what an ordinary user has: the connection's switch in the
 * kernel's control file system, where that is mounted, and the set-uid helper fusermount3.
 */
final class UserUnmount {
  private static final Path CONNECTIONS = Path.of("/sys/fs/fuse/connections");
  private static final long LIMIT_SECONDS = 5;

  private UserUnmount() {}

  /** Whether the mount is gone; whoever waited in it has an error, if the kernel let us say so. */
  static boolean force(Mount mount) throws IOException {
    boolean _ = abort(mount);
    try {
      Process helper =
          new ProcessBuilder(List.of("fusermount3", "-u", "-q", "-z", "--", mount.directory()))
              .directory(new File("/"))
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!helper.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        helper.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    // The daemon takes away what was aborted, and may be first.
    return MountTable.mounts().stream().noneMatch(mount::equals);
  }

  /** The minor number of the mount's device names its connection. */
  private static boolean abort(Mount mount) {
    String connection = mount.device().substring(mount.device().indexOf(':') + 1);
    try {
      Files.writeString(CONNECTIONS.resolve(connection).resolve("abort"), "1");
      return true;
    } catch (IOException absent) {
      // Another user's, or that file system is not mounted: the helper is asked all the same.
      return false;
    }
  }
}
