package io.wormhole.daemon.fuse.mounts;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Who keeps a mount busy, as far as {@code /proc} tells this user (proc(5)). Reads links, not what
 * they lead to, so that a mount which does not answer holds nobody up. A process in another mount
 * namespace is left out: what it holds is a mount of its own, and keeps ours from nothing.
 */
final class Holders {
  private static final Path PROCESSES = Path.of("/proc");
  private static final int NAMED_MAX = 3;
  private static final Duration LIMIT = Duration.ofSeconds(1);

  private final Path directory;
  private final Path namespace;
  private final long deadlineNanos;

  private Holders(Path directory, Path namespace, long deadlineNanos) {
    this.directory = directory;
    this.namespace = namespace;
    this.deadlineNanos = deadlineNanos;
  }

  /**
   * Those that hold a mount, in words for one line: {@code bash (process 123) works in it}. At most
   * three by name; empty if none is to be seen. Takes a second at most.
   */
  static String of(Path directory) {
    List<String> found = new ArrayList<>(mountsBelow(directory));
    link(PROCESSES.resolve("self/ns/mnt"))
        .map(own -> new Holders(directory, own, System.nanoTime() + LIMIT.toNanos()).processes())
        .ifPresent(found::addAll);
    int more = found.size() - NAMED_MAX;
    String named = String.join(", ", found.subList(0, Math.min(found.size(), NAMED_MAX)));
    return more > 0 ? named + " and " + more + " more" : named;
  }

  private static List<String> mountsBelow(Path directory) {
    try {
      return MountTable.read().mounts().stream()
          .map(MountTable.Mount::directory)
          .filter(other -> other.startsWith(directory + "/"))
          .map(other -> "something is mounted at " + other)
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  private List<String> processes() {
    List<String> found = new ArrayList<>();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROCESSES, "[0-9]*")) {
      for (Path process : processes) {
        if (System.nanoTime() - deadlineNanos >= 0) {
          break;
        }
        if (link(process.resolve("ns/mnt")).filter(namespace::equals).isPresent()) {
          held(process).ifPresent(how -> found.add(name(process) + how));
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // Those that were found by then have to do.
      return found;
    }
    return found;
  }

  private Optional<String> held(Path process) {
    if (isInside(process.resolve("cwd"))) {
      return Optional.of(" works in it");
    }
    if (isInside(process.resolve("root"))) {
      return Optional.of(" has its root in it");
    }
    if (hasOpen(process)) {
      return Optional.of(" has a file open in it");
    }
    return hasMapped(process) ? Optional.of(" has a file of it in memory") : Optional.empty();
  }

  private boolean hasOpen(Path process) {
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
      for (Path descriptor : descriptors) {
        if (isInside(descriptor)) {
          return true;
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // Another user's, or over.
      return false;
    }
    return false;
  }

  /** A line of the table of mappings ends with the path, which begins at its first slash. */
  private boolean hasMapped(Path process) {
    Predicate<String> inside =
        line -> {
          int path = line.indexOf('/');
          return path >= 0 && isInside(line.substring(path));
        };
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                Files.newInputStream(process.resolve("maps")), StandardCharsets.UTF_8))) {
      return lines.lines().anyMatch(inside);
    } catch (IOException | UncheckedIOException e) {
      return false;
    }
  }

  private boolean isInside(Path link) {
    return link(link).filter(target -> isInside(target.toString())).isPresent();
  }

  private boolean isInside(String path) {
    String top = directory.toString();
    return path.startsWith(top)
        && (path.length() == top.length() || path.charAt(top.length()) == '/');
  }

  private static Optional<Path> link(Path link) {
    try {
      return Optional.of(Files.readSymbolicLink(link));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** A program may call itself what it likes; no control character gets to a terminal. */
  private static String name(Path process) {
    String name;
    try {
      name =
          Files.readString(process.resolve("comm"), StandardCharsets.ISO_8859_1)
              .strip()
              .replaceAll("[^ -~]", "?");
    } catch (IOException e) {
      name = "a program";
    }
    return name + " (process " + process.getFileName() + ")";
  }
}
