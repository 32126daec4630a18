package io.wormhole.daemon;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * Records that outlive the daemon, in a file of the state folder that is its user's alone: {@code
 * {"format":1,"entries":[…]}}. Bounded. It is replaced as a whole; a change is on the disk when the
 * call returns, and was not made if the call fails. Any thread.
 *
 * @param <T> a record of texts, numbers and lists of them
 */
final class StateList<T> {
  static final int MAX_ENTRIES = 1024;
  private static final int FORMAT = 1;

  private final JsonMapper json =
      JsonMapper.builder()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();
  private final Path file;
  private List<T> entries;

  /**
   * What the file holds; nothing where there is none.
   *
   * @throws IOException if it cannot be read, or is not what was written
   */
  StateList(Path file, Class<T> type) throws IOException {
    this.file = file;
    this.entries = read(type);
  }

  synchronized List<T> all() {
    return entries;
  }

  /** Adds an entry, in the place of those that match. */
  synchronized void put(Predicate<T> replaced, T entry) throws IOException {
    List<T> changed = new ArrayList<>(entries);
    changed.removeIf(replaced);
    if (changed.size() >= MAX_ENTRIES) {
      throw new IOException(file + " is full: it has " + MAX_ENTRIES + " entries");
    }
    changed.add(entry);
    write(changed);
  }

  /** Puts something else in the place of each entry. */
  synchronized void replaceAll(UnaryOperator<T> other) throws IOException {
    List<T> changed = entries.stream().map(other).toList();
    if (!changed.equals(entries)) {
      write(changed);
    }
  }

  /** Whether there was anything to remove. */
  synchronized boolean removeIf(Predicate<T> gone) throws IOException {
    List<T> changed = new ArrayList<>(entries);
    boolean any = changed.removeIf(gone);
    if (any) {
      write(changed);
    }
    return any;
  }

  private List<T> read(Class<T> type) throws IOException {
    byte[] text;
    try {
      text = Files.readAllBytes(file);
    } catch (NoSuchFileException none) {
      return List.of();
    }
    try {
      JsonNode root = json.readTree(text);
      if (root.path("format").asInt() != FORMAT || !root.path("entries").isArray()) {
        throw new IOException("it is not of format " + FORMAT);
      }
      JavaType list = json.getTypeFactory().constructCollectionType(List.class, type);
      List<T> read = json.treeToValue(root.path("entries"), list);
      return List.copyOf(read);
    } catch (IOException | RuntimeException broken) {
      throw new IOException(
          "%s is damaged (%s): mend it, or move it away".formatted(file, firstLine(broken)),
          broken);
    }
  }

  private void write(List<T> changed) throws IOException {
    ObjectNode root = json.createObjectNode().put("format", FORMAT);
    root.set("entries", json.valueToTree(changed));
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.deleteIfExists(fresh);
    try (FileChannel channel =
        FileChannel.open(
            fresh,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      ByteBuffer bytes = ByteBuffer.wrap(json.writeValueAsBytes(root));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    entries = List.copyOf(changed);
  }

  private static String firstLine(Exception failure) {
    return String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
  }
}
