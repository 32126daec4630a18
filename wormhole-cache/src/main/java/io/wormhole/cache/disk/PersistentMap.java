package io.wormhole.cache.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import net.openhft.chronicle.map.ChronicleMap;
import net.openhft.chronicle.map.ChronicleMapBuilder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keys of one length to values of one length, in a file: Chronicle Map, and all there is of it.
 *
 * <p>A map that was not closed may hang whoever opens it, or hold what is not so: it is made anew,
 * and its owner fills it. The file is mapped while it is in use, and after {@link #rest} not until
 * it is used again.
 *
 * <p>Platform threads only: the library keeps things for each thread. Any number of them may read
 * while one writes.
 */
final class PersistentMap implements Closeable {
  static {
    // It would tell its maker of each start, and log who made it.
    for (String talk : new String[] {"analytics", "disclaimer", "announcer"}) {
      System.setProperty("chronicle." + talk + ".disable", "true");
    }
  }

  /**
   * Room past what is asked for, so that no segment is full before all are: segments of which each
   * could grow instead take up to four times the memory and disk, with nothing in them.
   */
  private static final int SPARE = 8;

  private static final Logger log = LoggerFactory.getLogger(PersistentMap.class);

  private final Path file;
  private final int keyBytes;
  private final int valueBytes;
  private final long entries;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private @Nullable ChronicleMap<byte[], byte[]> map;
  private boolean closed;

  /** What the library threw at us: the map is of no use any more. */
  static final class BrokenMapException extends IOException {
    private static final long serialVersionUID = 1L;

    BrokenMapException(Path file, Throwable cause) {
      super(file + " is of no use", cause);
    }
  }

  /**
   * @param file as its last owner closed it, or absent
   * @param entries how many it holds at least; no more may be put than were asked for here
   */
  PersistentMap(Path file, int keyBytes, int valueBytes, long entries) {
    this.file = file;
    this.keyBytes = keyBytes;
    this.valueBytes = valueBytes;
    this.entries = entries;
  }

  /** What was put under a key; empty if nothing was. */
  Optional<byte[]> get(byte[] key) throws BrokenMapException {
    return used(map -> map.get(key));
  }

  void put(byte[] key, byte[] value) throws BrokenMapException {
    var _ = used(map -> map.put(key, value));
  }

  void remove(byte[] key) throws BrokenMapException {
    var _ = used(map -> map.remove(key));
  }

  long size() throws BrokenMapException {
    // A cache that nothing was put into is not worth a mapping.
    return !Files.exists(file) ? 0 : used(ChronicleMap::longSize).orElse(0L);
  }

  long allocatedBytes() throws IOException {
    return SparseFile.allocatedBytes(file);
  }

  /** Gives the memory back that the mapping takes, until the next use. */
  void rest() {
    lock.writeLock().lock();
    try {
      unmap();
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** Makes what was put outlive a power cut, and lets it rest. */
  void force() throws IOException {
    rest();
    if (Files.exists(file)) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
    }
  }

  /** Removes all there is. */
  void clear() throws IOException {
    lock.writeLock().lock();
    try {
      unmap();
      Files.deleteIfExists(file);
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** What is asked of it after this is as if it were empty. */
  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      closed = true;
      unmap();
    } finally {
      lock.writeLock().unlock();
    }
  }

  private <T> Optional<T> used(Function<ChronicleMap<byte[], byte[]>, @Nullable T> use)
      throws BrokenMapException {
    lock.readLock().lock();
    try {
      if (map == null) {
        lock.readLock().unlock();
        try {
          map();
        } finally {
          lock.readLock().lock();
        }
      }
      // It is closed, or went to rest between the two locks: nobody is told what is not so.
      return map == null ? Optional.empty() : Optional.ofNullable(use.apply(map));
    } catch (IOException | RuntimeException | InternalError failed) {
      // The error is what a page becomes that the full disk has no block for.
      throw new BrokenMapException(file, failed);
    } finally {
      lock.readLock().unlock();
    }
  }

  private void map() throws IOException {
    lock.writeLock().lock();
    try {
      if (map != null || closed) {
        return;
      }
      if (!Files.exists(file)) {
        Files.createFile(file, SparseFile.OWNER_ONLY);
      }
      map =
          ChronicleMapBuilder.of(byte[].class, byte[].class)
              .name(file.getFileName().toString())
              .constantKeySizeBySample(new byte[keyBytes])
              .constantValueSizeBySample(new byte[valueBytes])
              .entries(entries + entries / SPARE)
              .checksumEntries(false)
              .sparseFile(true)
              .putReturnsNull(true)
              .removeReturnsNull(true)
              .skipCloseOnExitHook(true)
              .createPersistedTo(file.toFile());
    } finally {
      lock.writeLock().unlock();
    }
  }

  private void unmap() {
    ChronicleMap<byte[], byte[]> last = map;
    map = null;
    if (last != null) {
      try {
        last.close();
      } catch (RuntimeException | InternalError broken) {
        log.debug("{} could not be closed", file, broken);
      }
    }
  }
}
