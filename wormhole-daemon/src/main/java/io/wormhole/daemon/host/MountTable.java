package io.wormhole.daemon.host;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What is mounted where, as this process sees it: {@code /proc/self/mountinfo}, see proc(5). */
final class MountTable {
  /** The type that our own mounts show. */
  static final String OWN_TYPE = "fuse.wormhole";

  private static final int POINT_FIELD = 4;

  private final List<Mount> mounts;

  private MountTable(List<Mount> mounts) {
    this.mounts = mounts;
  }

  /** The table as it is now. */
  static MountTable read() throws IOException {
    return parse(Files.readAllBytes(Path.of("/proc/self/mountinfo")));
  }

  /** Reads the kernel's text. Lines that are no mount's are passed over. */
  static MountTable parse(byte[] text) {
    return new MountTable(
        new String(text, StandardCharsets.ISO_8859_1)
            .lines()
            .map(line -> line.split(" "))
            .filter(fields -> typeField(fields) < fields.length)
            .map(fields ->
                new Mount(
                    Long.parseLong(fields[0]),
                    unescaped(fields[POINT_FIELD]),
                    fields[typeField(fields)]))
            .toList());
  }

  /** The mount of that number. */
  Optional<Mount> byId(long id) {
    return mounts.stream().filter(mount -> mount.id == id).findFirst();
  }

  /**
   * Where something is mounted below a folder, in order.
   *
   * @param folder absolute
   * @return paths relative to it, for a person
   */
  List<String> below(byte[] folder) {
    byte[] prefix = folder.length == 1 ? folder : Arrays.copyOf(folder, folder.length + 1);
    prefix[prefix.length - 1] = '/';
    return mounts.stream()
        .map(Mount::point)
        .filter(point -> point.length > prefix.length && startsWith(point, prefix))
        .map(point -> PathText.of(Arrays.copyOfRange(point, prefix.length, point.length)))
        .distinct()
        .sorted()
        .toList();
  }

  /** The type stands behind a dash that ends a varying number of fields. */
  private static int typeField(String[] fields) {
    int at = POINT_FIELD + 1;
    while (at < fields.length && !fields[at].equals("-")) {
      at++;
    }
    return at + 1;
  }

  /** Spaces, tabs, newlines and backslashes stand as a backslash and three octal digits. */
  private static byte[] unescaped(String field) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int at = 0; at < field.length(); at++) {
      if (field.charAt(at) == '\\' && at + 3 < field.length()) {
        bytes.write(Integer.parseInt(field.substring(at + 1, at + 4), 8));
        at += 3;
      } else {
        bytes.write(field.charAt(at));
      }
    }
    return bytes.toByteArray();
  }

  private static boolean startsWith(byte[] path, byte[] prefix) {
    return Arrays.equals(path, 0, prefix.length, prefix, 0, prefix.length);
  }

  /**
   * A mount.
   *
   * @param point absolute path, in bytes
   * @param type of file system, with its subtype
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Mount(long id, byte[] point, String type) {}
}
