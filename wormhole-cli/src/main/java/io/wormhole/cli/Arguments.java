package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.FolderLook;
import io.wormhole.protocol.settings.ByteSize;
import io.wormhole.protocol.settings.Setting;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a person typed, as values; what makes no sense is wrong usage. */
final class Arguments {
  private static final Pattern HOST_AND_PORT = Pattern.compile("(\\[[^\\]]+\\]|[^:]+):(\\d{1,5})");
  private static final Pattern TIME = Pattern.compile("(\\d{1,9})([smhd])");
  private static final Duration LONGEST_TIME = Duration.ofDays(3650);
  private static final int PORT_MAX = 65_535;

  /** What Java puts where an argument's bytes are no text in the locale's encoding. */
  private static final char UNREADABLE = '\uFFFD';

  private final Path workingDirectory;

  Arguments(Path workingDirectory) {
    this.workingDirectory = workingDirectory;
  }

  /**
   * An absolute path without links, as far as that can be found out within a few seconds. What is
   * mounted there is not asked: it may not answer.
   */
  Path path(String typed) throws ControlException {
    if (typed.isEmpty() || typed.indexOf('\0') >= 0) {
      throw new ControlException(ErrorKind.USAGE, "an empty path", "give a folder");
    }
    if (typed.indexOf(UNREADABLE) >= 0) {
      throw new ControlException(
          ErrorKind.USAGE,
          "the path is no valid UTF-8: " + typed,
          "give a symbolic link to it with a plain name");
    }
    Path path = workingDirectory.resolve(typed).normalize();
    try {
      return FolderLook.within(path, FolderLook::locate);
    } catch (IOException notFound) {
      return path;
    }
  }

  /**
   * {@code HOST:PORT}, an IPv6 address in brackets.
   *
   * @param portMin 0 where any port will do, else 1
   */
  static String address(String option, String typed, int portMin) throws ControlException {
    Matcher matcher = HOST_AND_PORT.matcher(typed);
    if (matcher.matches()) {
      int port = Integer.parseInt(matcher.group(2));
      if (port >= portMin && port <= PORT_MAX) {
        return typed;
      }
    }
    throw new ControlException(
        ErrorKind.USAGE,
        option + " is no address and port: " + typed,
        "write it like 192.168.1.20:4747 or [fe80::1]:4747");
  }

  /** A size in bytes; K, M, G and T are powers of 1024. */
  static long bytes(String option, String typed) throws ControlException {
    long bytes = ByteSize.parse(typed).orElse(0L);
    if (bytes > 0) {
      return bytes;
    }
    throw new ControlException(
        ErrorKind.USAGE, option + " is no size: " + typed, "write it like 96M or 1G");
  }

  /** A size that the disk cache may have. */
  static long cacheBytes(String option, String typed) throws ControlException {
    long bytes = ByteSize.parse(typed).orElse(0L);
    if (bytes == 0 || !Setting.CACHE_SIZE.allows(typed)) {
      throw new ControlException(
          ErrorKind.USAGE,
          option + " cannot be '" + typed + "'",
          "write it like 20G, from 64M to 100T; wormhole config set cache.size 0 keeps nothing");
    }
    return bytes;
  }

  /** One of the words that an option takes. */
  static String oneOf(String option, String typed, List<String> allowed) throws ControlException {
    if (allowed.contains(typed)) {
      return typed;
    }
    throw new ControlException(
        ErrorKind.USAGE, option + " cannot be " + typed, "it is " + String.join(" or ", allowed));
  }

  /** A time in seconds: a number and s, m, h or d. */
  static long seconds(String option, String typed) throws ControlException {
    Matcher matcher = TIME.matcher(typed.toLowerCase(Locale.ROOT));
    if (matcher.matches()) {
      long count = Long.parseLong(matcher.group(1));
      Duration time =
          switch (matcher.group(2)) {
            case "s" -> Duration.ofSeconds(count);
            case "m" -> Duration.ofMinutes(count);
            case "h" -> Duration.ofHours(count);
            default -> Duration.ofDays(count);
          };
      if (count > 0 && time.compareTo(LONGEST_TIME) <= 0) {
        return time.toSeconds();
      }
    }
    throw new ControlException(
        ErrorKind.USAGE,
        option + " is no time: " + typed,
        "write it like 30m, 24h or 7d, and at most " + LONGEST_TIME.toDays() + "d");
  }
}
