package io.wormhole.protocol.control;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a user's files are. Two processes with the same environment agree on all of them; nothing
 * here is created by asking.
 *
 * @param config settings
 * @param state identity, peers, shares, logs
 * @param cache chunks on disk
 * @param run the control socket and the daemon's process id, mode 0700
 */
public record Folders(Path config, Path state, Path cache, Path run) {
  /** {@code sun_path} holds 108 bytes, a NUL among them (unix(7)). */
  private static final int SOCKET_PATH_BYTES_MAX = 107;

  private static final Path FALLBACK_PARENT = Path.of("/tmp");
  private static final String SOCKET = "control.sock";
  private static final String HOME = "WORMHOLE_HOME";

  /**
   * The folders of an environment: {@code WORMHOLE_HOME} if it is set, else the XDG base folders. A
   * run folder whose socket's path would be too long, or that is another user's (as after {@code
   * sudo}), is replaced by one under {@code /tmp}.
   *
   * @param userHome absolute
   */
  public static Folders of(Map<String, String> environment, Path userHome) {
    String given = environment.get(HOME);
    if (given != null && !given.isEmpty()) {
      Path home = Path.of(given).toAbsolutePath().normalize();
      Path run = home.resolve("run");
      return new Folders(
          home.resolve("config"),
          home.resolve("state"),
          home.resolve("cache"),
          fits(run) ? run : fallback(home));
    }
    Path runtime = absolute(environment.get("XDG_RUNTIME_DIR"));
    Path run = runtime == null || !isOurs(runtime) ? null : runtime.resolve("wormhole");
    return new Folders(
        base(environment, "XDG_CONFIG_HOME", userHome.resolve(".config")),
        base(environment, "XDG_STATE_HOME", userHome.resolve(".local/state")),
        base(environment, "XDG_CACHE_HOME", userHome.resolve(".cache")),
        run != null && fits(run) ? run : fallback(userHome));
  }

  /**
   * An environment that means the same folders to a process which works from another one: a daemon
   * works from {@code /}.
   */
  public static Map<String, String> forAnyProcess(Map<String, String> environment) {
    Map<String, String> same = new HashMap<>(environment);
    same.computeIfPresent(
        HOME, (_, home) -> home.isEmpty() ? home : Path.of(home).toAbsolutePath().toString());
    return same;
  }

  /** The control socket, mode 0600. */
  public Path socket() {
    return run.resolve(SOCKET);
  }

  /** Holds the daemon's process id while it runs. */
  public Path pidFile() {
    return run.resolve("daemon.pid");
  }

  /** The disk cache. */
  public Path chunks() {
    return cache.resolve("chunks");
  }

  /** What the daemon of this home has mounted, and mounts again when it is started. */
  public Path mounts() {
    return state.resolve("mounts.json");
  }

  /** What of its mounts the daemon of this home keeps on disk. */
  public Path pins() {
    return state.resolve("pins.json");
  }

  /** Locked by whoever starts a daemon, so that two commands start one. */
  public Path startLock() {
    return run.resolve("start.lock");
  }

  /** Locked by the daemon of this home while it runs. */
  public Path daemonLock() {
    return state.resolve("daemon.lock");
  }

  /** The daemon's log. */
  public Path log() {
    return state.resolve("logs").resolve("daemon.log");
  }

  /** What the daemon's process wrote to its standard output and error. */
  public Path output() {
    return state.resolve("logs").resolve("daemon.out");
  }

  private static Path base(Map<String, String> environment, String key, Path otherwise) {
    Path given = absolute(environment.get(key));
    return (given == null ? otherwise : given).resolve("wormhole");
  }

  /** The XDG base folder specification has relative paths ignored. */
  private static @Nullable Path absolute(@Nullable String given) {
    if (given == null || given.isEmpty()) {
      return null;
    }
    Path path = Path.of(given);
    return path.isAbsolute() ? path : null;
  }

  private static boolean fits(Path run) {
    int bytes = run.resolve(SOCKET).toString().getBytes(StandardCharsets.UTF_8).length;
    return bytes <= SOCKET_PATH_BYTES_MAX;
  }

  private static boolean isOurs(Path folder) {
    return Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS) && PrivateFolder.isOurs(folder);
  }

  private static Path fallback(Path home) {
    String key = System.getProperty("user.name") + "\0" + home;
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
      String name = "wormhole-" + HexFormat.of().formatHex(hash, 0, 8);
      return FALLBACK_PARENT.resolve(name);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
