package io.wormhole.protocol.control;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What is mounted, read from the kernel's table. It asks no mount anything, so that one which does
 * not answer cannot hang whoever looks. Empty where there is no {@code /proc}.
 */
public final class MountTable {
  /** The type of our own mounts, as the kernel names it. */
  public static final String OWN_TYPE = "fuse.wormhole";

  private static final Path TABLE = Path.of("/proc/self/mountinfo");

  private MountTable() {}

  /**
   * A line of the table.
   *
   * @param device {@code major:minor}; the minor number names a FUSE connection
   * @param source what was mounted, in the words of whoever mounted it
   */
  public record Mount(String device, String directory, String type, String source) {
    /** Whether it is a mount of ours. */
    public boolean isOwn() {
      return type.equals(OWN_TYPE);
    }
  }

  /** Every mount, the later on top of the earlier. */
  public static List<Mount> mounts() throws IOException {
    if (!Files.exists(TABLE)) {
      return List.of();
    }
    return new String(Files.readAllBytes(TABLE), StandardCharsets.UTF_8)
        .lines()
        .flatMap(line -> parse(line).stream())
        .toList();
  }

  /** The mount at the directory itself, the one on top if there are several. */
  public static Optional<Mount> at(Path directory) throws IOException {
    String wanted = directory.toString();
    return mounts().stream()
        .filter(mount -> mount.directory().equals(wanted))
        .reduce((_, last) -> last);
  }

  /** The mount of ours that the directory is, or is in. */
  public static Optional<Mount> ownAround(Path directory) throws IOException {
    return mounts().stream()
        .filter(Mount::isOwn)
        .filter(mount -> directory.startsWith(mount.directory()))
        .findFirst();
  }

  /** {@code id parent major:minor root DIRECTORY options… - TYPE SOURCE options}: proc(5). */
  static Optional<Mount> parse(String line) {
    String[] fields = line.split(" ", -1);
    for (int i = 6; i + 2 < fields.length; i++) {
      if (fields[i].equals("-")) {
        return Optional.of(
            new Mount(fields[2], unescape(fields[4]), fields[i + 1], unescape(fields[i + 2])));
      }
    }
    return Optional.empty();
  }

  /** Blanks, tabs, newlines and backslashes stand as {@code \ooo}. */
  private static String unescape(String field) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < field.length(); i++) {
      if (field.charAt(i) == '\\' && i + 3 < field.length()) {
        text.append((char) Integer.parseInt(field, i + 1, i + 4, 8));
        i += 3;
      } else {
        text.append(field.charAt(i));
      }
    }
    return text.toString();
  }
}
