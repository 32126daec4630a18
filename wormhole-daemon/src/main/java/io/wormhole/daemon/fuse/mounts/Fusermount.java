package io.wormhole.daemon.fuse.mounts;

import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The set-uid helper of libfuse, which mounts and unmounts for ordinary users. */
public final class Fusermount {
  /** As libfuse3 calls it. */
  public static final String NAME = "fusermount3";

  /** As libfuse 2 calls it; where only libfuse3's is installed, a link to that. */
  public static final String OLD_NAME = "fusermount";

  private static final List<String> FOLDERS = List.of("/usr/bin", "/bin", "/usr/local/bin");
  private static final int SET_UID = 04000;
  private static final long LIMIT_SECONDS = 5;

  private Fusermount() {}

  /** The helper, if this machine has it by either name. */
  public static Optional<Path> find() {
    return find(NAME).or(() -> find(OLD_NAME));
  }

  private static Optional<Path> find(String name) {
    String path = System.getenv("PATH");
    Stream<String> folders =
        path == null ? Stream.empty() : Stream.of(path.split(File.pathSeparator, -1));
    return Stream.concat(folders, FOLDERS.stream())
        .filter(folder -> folder.startsWith("/"))
        .map(folder -> Path.of(folder, name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /**
   * Finds out whether the helper is there and has the rights it lends.
   *
   * @param name one of the two
   * @throws MountException of kind {@code NOT_ROOT} if not
   */
  public static void check(String name) throws MountException {
    Path helper =
        find(name)
            .orElseThrow(() ->
                new MountException(
                    Kind.NOT_ROOT,
                    "To mount as an ordinary user, "
                        + name
                        + " is missing. Install the package fuse3 (on Debian and Ubuntu: apt"
                        + " install fuse3), or mount as root."));
    try {
      if (mayGainNoRights(Files.readString(Path.of("/proc/self/status")))) {
        throw new MountException(
            Kind.NOT_ROOT,
            helper
                + " is not let work here (no_new_privs). In a container, start it without"
                + " no-new-privileges; in a service, set NoNewPrivileges=no; or mount as root.");
      }
      int mode = (Integer) Files.getAttribute(helper, "unix:mode");
      int owner = (Integer) Files.getAttribute(helper, "unix:uid");
      if ((mode & SET_UID) == 0 || owner != 0) {
        throw new MountException(
            Kind.NOT_ROOT,
            helper
                + " is not set-uid root, so it cannot mount for this user. As root: chown root "
                + helper
                + " && chmod u+s "
                + helper);
      }
    } catch (IOException e) {
      throw new MountException(
          Kind.NOT_ROOT, helper + " cannot be looked at: " + e.getMessage() + ". Mount as root.");
    }
  }

  /** Whether a process's status says that no program lends it rights. */
  static boolean mayGainNoRights(String status) {
    return status.lines().anyMatch(line -> line.matches("NoNewPrivs:\\s*1"));
  }

  /**
   * Unmounts a mount of this user.
   *
   * @param lazily whether to take it out of the tree though it is in use
   * @return whether the helper says that it did
   */
  public static boolean unmount(Path directory, boolean lazily)
      throws IOException, InterruptedException {
    Optional<Path> helper = find();
    if (helper.isEmpty()) {
      return false;
    }
    List<String> command = new ArrayList<>(List.of(helper.get().toString(), "-u", "-q"));
    if (lazily) {
      command.add("-z");
    }
    command.addAll(List.of("--", directory.toString()));
    Process process =
        new ProcessBuilder(command)
            .directory(new File("/"))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      return false;
    }
    return process.exitValue() == 0;
  }
}
