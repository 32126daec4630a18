package io.wormhole.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where this home's daemon has mounted something, kept in {@code mounts}: what a daemon that was
 * killed has left there is the next one's to clear, and nobody else's. Any thread.
 *
 * <p>The file holds absolute paths, each followed by a NUL, which no path contains; it is replaced
 * as a whole.
 */
final class MountedFolders {
  private static final String FILE = "mounts";

  private final Path file;
  private final Set<String> folders = new LinkedHashSet<>();

  /** What an earlier daemon of this home has left behind, until {@link #forgetAll}. */
  MountedFolders(Path stateFolder) throws IOException {
    file = stateFolder.resolve(FILE);
    try {
      Stream.of(Files.readString(file).split("\0", -1))
          .filter(folder -> !folder.isEmpty())
          .forEach(folders::add);
    } catch (NoSuchFileException none) {
      folders.clear();
    }
  }

  synchronized List<Path> all() {
    return folders.stream().map(Path::of).toList();
  }

  /** Whether the folder was not there before. */
  synchronized boolean add(Path folder) throws IOException {
    boolean fresh = folders.add(folder.toString());
    if (fresh) {
      write();
    }
    return fresh;
  }

  synchronized void remove(Path folder) throws IOException {
    if (folders.remove(folder.toString())) {
      write();
    }
  }

  synchronized void forgetAll() throws IOException {
    if (!folders.isEmpty()) {
      folders.clear();
      write();
    }
  }

  private void write() throws IOException {
    StringBuilder text = new StringBuilder();
    folders.forEach(folder -> text.append(folder).append('\0'));
    Path fresh = file.resolveSibling(FILE + ".new");
    Files.writeString(fresh, text);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
