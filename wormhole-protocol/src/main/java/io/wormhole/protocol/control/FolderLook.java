package io.wormhole.protocol.control;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Looks at folders that may be on a file system of the network, or of another program, which does
 * not answer. Any thread.
 */
public final class FolderLook {
  private static final long LIMIT_SECONDS = 5;
  private static final int LINKS_MAX = 40;

  /** What is to be found out. */
  @FunctionalInterface
  public interface Look<T> {
    T at(Path folder) throws IOException, ControlException;
  }

  private FolderLook() {}

  /**
   * Finds something out about a folder within five seconds. It is done on a thread of its own,
   * which stays behind if there is no answer.
   *
   * @throws IOException what the look throws, or that the file system does not answer
   */
  public static <T> T within(Path folder, Look<T> look) throws IOException, ControlException {
    CompletableFuture<T> found = new CompletableFuture<>();
    Thread.ofPlatform()
        .name("folder-look")
        .daemon()
        .start(() -> {
          try {
            found.complete(look.at(folder));
          } catch (IOException | ControlException | RuntimeException e) {
            found.completeExceptionally(e);
          }
        });
    try {
      return found.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException silent) {
      throw new FileSystemException(
          folder.toString(),
          null,
          "its file system does not answer within " + LIMIT_SECONDS + " s");
    } catch (ExecutionException failed) {
      switch (failed.getCause()) {
        case IOException e -> throw e;
        case ControlException e -> throw e;
        case null, default -> throw new IllegalStateException(failed.getCause());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while looking at " + folder);
    }
  }

  /**
   * The path that the table of mounts has for a folder: absolute and without links. What is mounted
   * there is not asked, as it may not answer. Waits as long as what is above it lets it.
   *
   * @throws NoSuchFileException if a folder on the way is missing; the last one may be
   */
  public static Path locate(Path given) throws IOException {
    Path path = given.toAbsolutePath();
    for (int links = 0; links < LINKS_MAX; links++) {
      Path name = path.getFileName();
      Path parent = path.getParent();
      if (name == null || parent == null || name.toString().matches("\\.{0,2}")) {
        return path.toRealPath();
      }
      Path located = parent.toRealPath().resolve(name);
      if (MountTable.at(located).isPresent()) {
        return located;
      }
      try {
        path = located.resolveSibling(Files.readSymbolicLink(located));
      } catch (NotLinkException | NoSuchFileException notALink) {
        return located;
      }
    }
    throw new FileSystemException(given.toString(), null, "too many symbolic links");
  }
}
