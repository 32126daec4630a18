package io.wormhole.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * Reads all files of a mount's folder, several at a time, past the kernel's pages: each read is the
 * daemon's, which keeps what it brings. What it has already costs next to nothing, so whoever was
 * interrupted begins again.
 */
final class WarmUp implements AutoCloseable {
  private static final int READERS = 4;
  private static final int READ_BYTES = 1 << 20;

  /** The module jdk.unsupported has it, which the compiler warns of and nothing silences. */
  private static final OpenOption DIRECT = direct();

  private final List<Path> files = new ArrayList<>();
  private final AtomicInteger next = new AtomicInteger();
  private final LongAdder bytesDone = new LongAdder();
  private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
  private final List<Thread> readers = new ArrayList<>();
  private long bytesTotal;
  private volatile boolean stopped;

  /**
   * Looks at what there is.
   *
   * @param path a file, or a folder with all below it; links are not followed
   */
  WarmUp(Path path) throws IOException {
    Files.walkFileTree(
        path,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes seen) {
            if (seen.isRegularFile()) {
              files.add(file);
              bytesTotal += seen.size();
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException why) {
            failures.add(file + ": " + why.getMessage());
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static OpenOption direct() {
    try {
      return (OpenOption)
          Class.forName("com.sun.nio.file.ExtendedOpenOption").getField("DIRECT").get(null);
    } catch (ReflectiveOperationException absent) {
      throw new IllegalStateException("a JDK without direct reads", absent);
    }
  }

  void start() {
    for (int i = 0; i < READERS; i++) {
      readers.add(Thread.ofPlatform().daemon().name("warm-" + i).start(this::read));
    }
  }

  /** Whether all is read, after waiting for it so long at most. */
  boolean await(Duration limit) throws InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    for (Thread reader : readers) {
      long left = end - System.nanoTime();
      if (!reader.join(Duration.ofNanos(Math.max(1, left)))) {
        return false;
      }
    }
    return true;
  }

  long bytesTotal() {
    return bytesTotal;
  }

  long bytesDone() {
    return bytesDone.sum();
  }

  int files() {
    return files.size();
  }

  /** What could not be read, and why. */
  List<String> failures() {
    return List.copyOf(failures);
  }

  /** Reads no more. */
  @Override
  public void close() {
    stopped = true;
  }

  private void read() {
    ByteBuffer room = null;
    while (!stopped) {
      int index = next.getAndIncrement();
      if (index >= files.size()) {
        return;
      }
      Path file = files.get(index);
      try {
        if (room == null) {
          // What direct reads are aligned to, as far as that can be had.
          long said = Files.getFileStore(file).getBlockSize();
          int block = (int) Long.highestOneBit(Math.clamp(said, 512, READ_BYTES));
          room = ByteBuffer.allocateDirect(READ_BYTES + block).alignedSlice(block);
        }
        read(file, room.limit(READ_BYTES));
      } catch (IOException | RuntimeException failed) {
        failures.add(file + ": " + failed.getMessage());
      }
    }
  }

  private void read(Path file, ByteBuffer room) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, DIRECT)) {
      while (!stopped) {
        int read = channel.read(room.clear().limit(READ_BYTES));
        if (read > 0) {
          bytesDone.add(read);
        }
        if (read < READ_BYTES) {
          return;
        }
      }
    }
  }
}
