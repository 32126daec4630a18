package io.wormhole.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** A folder to try a mount with: what people have, and what breaks file systems. */
final class DemoFolder {
  static final String BIG_FILE = "big.bin";
  static final String MANY = "many";
  static final int MANY_FILES = 1000;

  private static final int BIG_MIB = 64;
  private static final int MIB = 1 << 20;
  private static final int SMALL_BYTES_MAX = 20_000;
  private static final int DEPTH = 40;
  private static final int NAME_BYTES_MAX = 255;
  private static final Instant EPOCH = Instant.parse("2001-02-03T04:05:06Z");

  private static final List<String> ODD_NAMES =
      List.of(
          "-rf",
          " leading and trailing ",
          "new\nline",
          "tab\tand \"quotes\" and 'more'",
          "*?[a-z]$HOME`id`",
          "\\backslash\\",
          "grüße, Привет, 你好, 🕳",
          ".hidden",
          "...",
          "x".repeat(NAME_BYTES_MAX));

  private final Path root;
  private final Random random;

  private DemoFolder(Path root, long seed) {
    this.root = root;
    this.random = new Random(seed);
  }

  /**
   * Makes the folder; the same seed makes the same one.
   *
   * @param root does not exist yet
   */
  static void write(Path root, long seed) throws IOException {
    new DemoFolder(root, seed).write();
  }

  private void write() throws IOException {
    Path many = Files.createDirectories(root.resolve(MANY));
    for (int i = 0; i < MANY_FILES; i++) {
      file(many.resolve("file-%04d".formatted(i)), random.nextInt(SMALL_BYTES_MAX));
    }
    Path odd = Files.createDirectories(root.resolve("odd names"));
    for (String name : ODD_NAMES) {
      file(odd.resolve(name), 100);
    }
    Path deep = root.resolve("deep");
    for (int i = 0; i < DEPTH; i++) {
      deep = deep.resolve("level " + i);
    }
    file(Files.createDirectories(deep).resolve("at the bottom"), 5000);
    edges(Files.createDirectories(root.resolve("edges")));
    big(root.resolve(BIG_FILE));
    touch(root.resolve(BIG_FILE));
  }

  /** Sizes around the borders of what is read at once, and everything that is no plain file. */
  private void edges(Path folder) throws IOException {
    for (int border : List.of(4 << 10, 16 << 10, 128 << 10, MIB)) {
      for (int size = border - 1; size <= border + 1; size++) {
        file(folder.resolve("of %d bytes".formatted(size)), size);
      }
    }
    file(folder.resolve("empty"), 0);
    Files.createDirectory(folder.resolve("empty folder"));
    Path original = folder.resolve("twice");
    file(original, 1234);
    Files.createLink(folder.resolve("twice again"), original);
    Files.createSymbolicLink(folder.resolve("link"), Path.of("twice"));
    Files.createSymbolicLink(folder.resolve("link up"), Path.of("../" + BIG_FILE));
    Files.createSymbolicLink(folder.resolve("link to nothing"), Path.of("nothing"));
    sparse(folder.resolve("mostly a hole"));
    Path program = folder.resolve("program");
    file(program, 50);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-x--x"));
  }

  private void file(Path path, int size) throws IOException {
    byte[] content = new byte[size];
    random.nextBytes(content);
    Files.write(path, content, StandardOpenOption.CREATE_NEW);
    touch(path);
  }

  private void big(Path path) throws IOException {
    byte[] content = new byte[MIB];
    try (FileChannel file = create(path)) {
      for (int i = 0; i < BIG_MIB; i++) {
        random.nextBytes(content);
        writeAll(file, content, (long) i * MIB);
      }
    }
  }

  private void sparse(Path path) throws IOException {
    try (FileChannel file = create(path)) {
      writeAll(file, new byte[] {1, 2, 3}, 0);
      writeAll(file, new byte[] {4, 5, 6}, 8L * MIB);
    }
    touch(path);
  }

  private static FileChannel create(Path path) throws IOException {
    return FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  private static void writeAll(FileChannel file, byte[] content, long offset) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(content);
    while (buffer.hasRemaining()) {
      file.write(buffer, offset + buffer.position());
    }
  }

  /** Times as files have them, to the nanosecond. */
  private void touch(Path path) throws IOException {
    long nanos = random.nextLong(TimeUnit.DAYS.toNanos(7000));
    Files.setLastModifiedTime(path, FileTime.from(EPOCH.plusNanos(nanos)));
  }
}
