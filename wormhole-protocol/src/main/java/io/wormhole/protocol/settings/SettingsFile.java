package io.wormhole.protocol.settings;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.Folders;
import io.wormhole.protocol.control.OwnFile;
import io.wormhole.protocol.control.PrivateFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@code config.toml} (TOML 1.0). A file with a key that is not known, a value that is not allowed,
 * or that others can write, is refused as a whole: nothing runs under half of what was meant.
 *
 * @param path absolute; need not exist
 */
public record SettingsFile(Path path) {
  private static final int BYTES_MAX = 64 << 10;
  private static final String SEE = "wormhole config list shows every key";

  public static SettingsFile of(Folders folders) {
    return new SettingsFile(folders.config().resolve("config.toml"));
  }

  /**
   * What the file says; defaults where there is none.
   *
   * @throws ControlException with one line that names the file, the key and what is allowed
   */
  public Settings read() throws ControlException {
    return parse(text());
  }

  /**
   * Sets one key; every other line stays as it is.
   *
   * @throws ControlException if the value is not allowed, or the file is refused as it is now
   */
  public void set(Setting setting, String value) throws ControlException {
    if (!setting.allows(value)) {
      throw new ControlException(
          ErrorKind.USAGE,
          "%s cannot be '%s'".formatted(setting.key(), value),
          "it is " + setting.allowedWords());
    }
    String before = text();
    Map<Setting, String> wanted = new EnumMap<>(Setting.class);
    wanted.putAll(parse(before).given());
    wanted.put(setting, value);
    String after = withLine(before, setting, value);
    if (!isMeant(after, wanted)) {
      throw new ControlException(
          ErrorKind.FAILED,
          "%s is written in a way that this cannot change".formatted(path),
          "set %s = %s in it by hand".formatted(setting.key(), setting.written(value)));
    }
    write(after);
  }

  private boolean isMeant(String text, Map<Setting, String> wanted) {
    try {
      return parse(text).given().equals(wanted);
    } catch (ControlException unreadable) {
      return false;
    }
  }

  /** The key's line in its table, or as a dotted key before all tables; else a new line. */
  private static String withLine(String text, Setting setting, String value) {
    List<String> lines = text.lines().collect(Collectors.toCollection(ArrayList::new));
    String table = "";
    int tableAt = -1;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      String bare = withoutComment(line).strip();
      if (bare.startsWith("[")) {
        table = bare.replaceAll("[\\[\\]\\s\"']", "");
        if (table.equals(setting.table())) {
          tableAt = i;
        }
        continue;
      }
      int equals = bare.indexOf('=');
      String key = equals < 0 ? "" : bare.substring(0, equals).replaceAll("[\\s\"']", "");
      if ((table.isEmpty() ? key : table + "." + key).equals(setting.key())) {
        String comment = line.substring(withoutComment(line).length());
        String kept = line.substring(0, line.indexOf('=') + 1) + " " + setting.written(value);
        lines.set(i, comment.isEmpty() ? kept : kept + " " + comment);
        return joined(lines);
      }
    }
    if (tableAt < 0) {
      if (!lines.isEmpty() && !lines.getLast().isBlank()) {
        lines.add("");
      }
      lines.add("[" + setting.table() + "]");
      tableAt = lines.size() - 1;
    }
    lines.add(tableAt + 1, setting.nameInTable() + " = " + setting.written(value));
    return joined(lines);
  }

  /** No value that is allowed has a {@code #} in it. */
  private static String withoutComment(String line) {
    int comment = line.indexOf('#');
    return comment < 0 ? line : line.substring(0, comment);
  }

  private static String joined(List<String> lines) {
    return lines.stream().collect(Collectors.joining("\n", "", "\n"));
  }

  private void write(String text) throws ControlException {
    try {
      Path folder = path.toAbsolutePath().getParent();
      if (folder == null) {
        throw new IOException("it stands in no folder");
      }
      PrivateFolder.create(folder);
      Path fresh = Files.createTempFile(folder, ".config", ".new");
      try {
        Files.writeString(fresh, text);
        // A link, as people who keep their settings elsewhere make it, stays one.
        Files.move(
            fresh,
            Files.exists(path) ? path.toRealPath() : path,
            StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(fresh);
      }
    } catch (IOException failed) {
      throw new ControlException(
          ErrorKind.FAILED, "cannot write " + path + ": " + failed, null, failed);
    }
  }

  private String text() throws ControlException {
    try {
      OwnFile.refuseWritable(path);
      if (Files.size(path) > BYTES_MAX) {
        throw new ControlException(
            ErrorKind.FAILED,
            "%s has more than %d bytes".formatted(path, BYTES_MAX),
            "make it smaller, or move it away");
      }
      return Files.readString(path);
    } catch (NoSuchFileException none) {
      return "";
    } catch (IOException unreadable) {
      throw new ControlException(
          ErrorKind.FAILED,
          "cannot read %s: %s".formatted(path, unreadable),
          "mend it, or move it away",
          unreadable);
    }
  }

  private Settings parse(String text) throws ControlException {
    JsonNode root;
    try {
      root = new TomlMapper().readTree(text);
    } catch (JsonProcessingException malformed) {
      throw new ControlException(
          ErrorKind.FAILED,
          "%s, line %d is no TOML"
              .formatted(
                  path, malformed.getLocation() == null ? 1 : malformed.getLocation().getLineNr()),
          "mend the line; " + SEE,
          malformed);
    }
    Map<Setting, String> given = new EnumMap<>(Setting.class);
    for (Map.Entry<String, JsonNode> leaf : leaves("", root).toList()) {
      Optional<Setting> setting = Setting.of(leaf.getKey());
      if (setting.isEmpty()) {
        throw new ControlException(
            ErrorKind.FAILED,
            "%s sets %s, which is not known".formatted(path, printable(leaf.getKey())),
            SEE);
      }
      given.put(setting.get(), value(setting.get(), leaf.getValue()));
    }
    return new Settings(given);
  }

  private String value(Setting setting, JsonNode node) throws ControlException {
    // A word in quotes is another type than the word itself, which a person would not think of.
    String value = node.isValueNode() ? node.asText() : node.toString();
    if (!setting.allows(value)) {
      throw new ControlException(
          ErrorKind.FAILED,
          "%s sets %s to %s".formatted(path, setting.key(), printable(value)),
          "it is " + setting.allowedWords());
    }
    return value;
  }

  private static Stream<Map.Entry<String, JsonNode>> leaves(String prefix, JsonNode node) {
    return node.properties().stream()
        .flatMap(child ->
            child.getValue().isObject() && !child.getValue().isEmpty()
                ? leaves(prefix + child.getKey() + ".", child.getValue())
                : child.getValue().isObject() && isTable(prefix + child.getKey())
                    ? Stream.empty()
                    : Stream.of(Map.entry(prefix + child.getKey(), child.getValue())));
  }

  /** An empty table of ours sets nothing; any other is a mistake. */
  private static boolean isTable(String name) {
    return Stream.of(Setting.values()).anyMatch(setting -> setting.table().equals(name));
  }

  private static String printable(String text) {
    String clean = text.replaceAll("\\p{Cntrl}", "?");
    return clean.length() <= 80 ? clean : clean.substring(0, 80) + "…";
  }
}
