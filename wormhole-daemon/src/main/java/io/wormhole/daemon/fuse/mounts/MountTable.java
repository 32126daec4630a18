package io.wormhole.daemon.fuse.mounts;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What is mounted where, as {@code /proc/self/mountinfo} has it (proc_pid_mountinfo(5)). Reading it
 * asks no file system anything, so it answers where a stat would hang.
 */
public record MountTable(List<Mount> mounts) {
  private static final Path SOURCE = Path.of("/proc/self/mountinfo");

  /**
   * One mount.
   *
   * @param device {@code major:minor}, which no other file system that is mounted has
   * @param directory the mount point, absolute
   * @param type the file system's, such as {@code fuse.wormhole}
   * @param source what is mounted, as the file system wants it shown
   */
  public record Mount(
      int id, int parent, String device, String directory, String type, String source) {}

  public MountTable {
    mounts = List.copyOf(mounts);
  }

  public static MountTable read() throws IOException {
    return parse(Files.readAllBytes(SOURCE));
  }

  /** Parses the table's text; lines that are no mounts are left out. */
  public static MountTable parse(byte[] text) {
    List<Mount> mounts = new ArrayList<>();
    for (String line : new String(text, StandardCharsets.ISO_8859_1).split("\n", -1)) {
      String[] fields = line.split(" ", -1);
      int separator = 6;
      while (separator < fields.length && !fields[separator].equals("-")) {
        separator++;
      }
      if (separator + 2 < fields.length) {
        mounts.add(
            new Mount(
                Integer.parseInt(fields[0]),
                Integer.parseInt(fields[1]),
                fields[2],
                unescape(fields[4]),
                unescape(fields[separator + 1]),
                unescape(fields[separator + 2])));
      }
    }
    return new MountTable(mounts);
  }

  /** The mount that a path walk to a mount point ends in: the topmost of those stacked there. */
  public Optional<Mount> at(String directory) {
    List<Mount> stacked =
        mounts.stream().filter(mount -> mount.directory().equals(directory)).toList();
    return stacked.stream()
        .filter(mount -> stacked.stream().noneMatch(other -> other.parent() == mount.id()))
        .reduce((lower, upper) -> upper);
  }

  /** The mount of a device: the one at the directory, else the first. */
  public Optional<Mount> find(String device, String directory) {
    List<Mount> all = mounts.stream().filter(mount -> mount.device().equals(device)).toList();
    return all.stream()
        .filter(mount -> mount.directory().equals(directory))
        .findFirst()
        .or(() -> all.stream().findFirst());
  }

  /**
   * Octal escapes stand for blanks, backslashes and a few more; the bytes are UTF-8 or not text.
   */
  private static String unescape(String field) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(field.length());
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\' && i + 3 < field.length()) {
        bytes.write(Integer.parseInt(field.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        bytes.write(c);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
