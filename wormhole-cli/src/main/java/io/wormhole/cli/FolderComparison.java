package io.wormhole.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Compares a folder with its copy: names, kinds, sizes, times to the nanosecond, permissions, link
 * targets, which names are one file, and every byte. Used once.
 */
final class FolderComparison {
  private static final int BUFFER_BYTES = 1 << 20;
  private static final int DIFFERENCES_MAX = 20;

  private final List<String> differences = new ArrayList<>();
  private final Map<Object, Object> copyKeys = new HashMap<>();
  private final ByteBuffer left = ByteBuffer.allocateDirect(BUFFER_BYTES);
  private final ByteBuffer right = ByteBuffer.allocateDirect(BUFFER_BYTES);
  private long entries;
  private long bytes;

  private FolderComparison() {}

  /**
   * What came out.
   *
   * @param entries compared
   * @param bytes compared
   * @param differences a line each, the first few
   */
  record Result(long entries, long bytes, List<String> differences) {}

  static Result compare(Path original, Path copy) throws IOException {
    FolderComparison comparison = new FolderComparison();
    comparison.folders(original, copy);
    return new Result(comparison.entries, comparison.bytes, List.copyOf(comparison.differences));
  }

  private void folders(Path original, Path copy) throws IOException {
    SortedMap<Path, Path> wanted = names(original);
    SortedMap<Path, Path> found = names(copy);
    for (Path name : found.keySet()) {
      if (!wanted.containsKey(name)) {
        differ(name, "is in the copy only");
      }
    }
    for (Map.Entry<Path, Path> entry : wanted.entrySet()) {
      Path other = found.get(entry.getKey());
      if (other == null) {
        differ(entry.getValue(), "is missing in the copy");
      } else {
        entry(entry.getValue(), other);
      }
    }
  }

  private static SortedMap<Path, Path> names(Path folder) throws IOException {
    SortedMap<Path, Path> names = new TreeMap<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        names.put(Objects.requireNonNull(entry.getFileName()), entry);
      }
    }
    return names;
  }

  private void entry(Path original, Path copy) throws IOException {
    entries++;
    PosixFileAttributes wanted = attributes(original);
    PosixFileAttributes found = attributes(copy);
    if (wanted.isDirectory() != found.isDirectory()
        || wanted.isSymbolicLink() != found.isSymbolicLink()
        || wanted.isRegularFile() != found.isRegularFile()) {
      differ(original, "is of another kind in the copy");
      return;
    }
    same(original, "time", wanted.lastModifiedTime(), found.lastModifiedTime());
    same(original, "permissions", wanted.permissions(), found.permissions());
    Object key = copyKeys.putIfAbsent(wanted.fileKey(), found.fileKey());
    if (key != null) {
      same(original, "identity among its names", key, found.fileKey());
    }
    if (wanted.isDirectory()) {
      folders(original, copy);
    } else if (wanted.isSymbolicLink()) {
      same(original, "target", Files.readSymbolicLink(original), Files.readSymbolicLink(copy));
    } else {
      same(original, "size", wanted.size(), found.size());
      content(original, copy);
    }
  }

  private void content(Path original, Path copy) throws IOException {
    try (FileChannel wanted = FileChannel.open(original);
        FileChannel found = FileChannel.open(copy)) {
      long offset = 0;
      while (true) {
        fill(wanted, left);
        fill(found, right);
        int mismatch = left.mismatch(right);
        if (mismatch >= 0) {
          differ(original, "has another byte at " + (offset + mismatch));
          return;
        }
        if (!left.hasRemaining()) {
          return;
        }
        offset += left.remaining();
        bytes += left.remaining();
      }
    }
  }

  private static void fill(FileChannel file, ByteBuffer buffer) throws IOException {
    buffer.clear();
    int count = 0;
    while (count >= 0 && buffer.hasRemaining()) {
      count = file.read(buffer);
    }
    buffer.flip();
  }

  private static PosixFileAttributes attributes(Path path) throws IOException {
    return Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
  }

  private void same(Path path, String what, @Nullable Object wanted, @Nullable Object found) {
    if (!Objects.equals(wanted, found)) {
      differ(path, "has another " + what + ": " + found + " instead of " + wanted);
    }
  }

  private void differ(Path path, String how) {
    if (differences.size() < DIFFERENCES_MAX) {
      differences.add(path + " " + how);
    }
  }
}
