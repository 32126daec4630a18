package io.wormhole.cache.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder a cache is in: one process's at a time, of a known layout, and closed by its last
 * owner or not.
 */
final class CacheFolder implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CacheFolder.class);
  private static final String LAYOUT = "wormhole cache, layout 1\n";
  private static final String LAYOUT_FILE = "layout";
  private static final String CLEAN_FILE = "clean";
  private static final int LONGEST_LINE = 100;
  private static final String LOCK_FILE = "lock";

  private final Path path;
  private final FileChannel lock;
  private final String clean;

  private CacheFolder(Path path, FileChannel lock, String clean) {
    this.path = path;
    this.lock = lock;
    this.clean = clean;
  }

  /**
   * Takes the folder, which is made if it is not there. What stands in it under another layout is
   * discarded.
   *
   * @throws CacheTakenException if another process has it
   */
  static CacheFolder take(Path path) throws IOException {
    if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectories(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
    FileChannel lock =
        FileChannel.open(
            path.resolve(LOCK_FILE),
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
            SparseFile.OWNER_ONLY);
    try {
      lock(path, lock);
      boolean known = LAYOUT.equals(read(path.resolve(LAYOUT_FILE)));
      if (!known) {
        discard(path);
        write(path.resolve(LAYOUT_FILE), LAYOUT);
      }
      String clean = read(path.resolve(CLEAN_FILE)).strip();
      Files.deleteIfExists(path.resolve(CLEAN_FILE));
      return new CacheFolder(path, lock, clean);
    } catch (IOException | RuntimeException failed) {
      lock.close();
      throw failed;
    }
  }

  Path path() {
    return path;
  }

  /**
   * Whether the last owner said that all is well.
   *
   * @param how the words in which it would have said so
   */
  boolean isClean(String how) {
    return clean.equals(how);
  }

  /**
   * All is well: said when everything else is on the disk.
   *
   * @param how a line that says what that means
   */
  void markClean(String how) throws IOException {
    write(path.resolve(CLEAN_FILE), how + "\n");
  }

  /** Lets another have it. */
  @Override
  public void close() throws IOException {
    lock.close();
  }

  private static void lock(Path path, FileChannel file) throws IOException {
    FileLock taken;
    try {
      taken = file.tryLock();
    } catch (OverlappingFileLockException ours) {
      throw new CacheTakenException(path, Long.toString(ProcessHandle.current().pid()));
    }
    if (taken == null) {
      throw new CacheTakenException(path, read(path.resolve(LOCK_FILE)).strip());
    }
    file.truncate(0);
    file.write(
        ByteBuffer.wrap(
            (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
  }

  private static String read(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer bytes = ByteBuffer.allocate(LONGEST_LINE);
      int _ = channel.read(bytes);
      return new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII);
    } catch (NoSuchFileException absent) {
      return "";
    }
  }

  private static void write(Path file, String text) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            SparseFile.OWNER_ONLY)) {
      channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
      channel.force(true);
    }
  }

  private static void discard(Path path) throws IOException {
    int discarded = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
      for (Path file : files) {
        if (!file.endsWith(LOCK_FILE) && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
          Files.delete(file);
          discarded++;
        }
      }
    }
    if (discarded > 0) {
      log.info("The cache in {} has another layout than this version's: it is discarded", path);
    }
  }
}
