package io.wormhole.cache;

import io.wormhole.cache.disk.DiskStats;
import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.disk.DiskTier.Found;
import io.wormhole.cache.disk.PageKey;
import io.wormhole.cache.ram.Chunk;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * L2 beside L1: a chunk that is on the disk is read from there, on {@code disk-reader-N}, and one
 * that came over the network is written behind, by {@code disk-writer}. No reader waits for a
 * write: past {@link #MOST_BEHIND} chunks the next ones are not kept on disk.
 */
final class DiskSide implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DiskSide.class);
  private static final int READERS = 2;
  private static final int MOST_BEHIND = 64;
  private static final int CHUNK_BYTES = 128 << 10;
  private static final int HASHED_BYTES = 7 * Long.BYTES;
  private static final Duration FLUSH_AFTER = Duration.ofSeconds(1);
  private static final Duration REST_AFTER = Duration.ofSeconds(60);
  private static final Duration END_WITHIN = Duration.ofSeconds(10);

  private final DiskTier tier;
  private final ExecutorService readers;
  private final BlockingQueue<Behind> behind = new LinkedBlockingQueue<>(MOST_BEHIND);
  private final LongAdder skipped = new LongAdder();
  private final Thread writer;
  private volatile long usedNanos = System.nanoTime();
  private volatile boolean closing;

  /** A chunk to be written, with a reference that is given back after. */
  private record Behind(ChunkKey key, Chunk chunk) {}

  /**
   * @param tier closed with this
   */
  DiskSide(DiskTier tier) {
    this.tier = tier;
    this.readers =
        Executors.newFixedThreadPool(
            READERS, Thread.ofPlatform().daemon().name("disk-reader-", 0).factory());
    this.writer = Thread.ofPlatform().daemon().name("disk-writer").start(this::write);
  }

  /** What brings a chunk from the disk if it is there, and else as this one does. */
  ChunkLoader before(ChunkLoader network) {
    return (key, destination) -> {
      PageKey page = page(key);
      if (closing || !tier.mayHold(page)) {
        return network.load(key, destination);
      }
      usedNanos = System.nanoTime();
      Load load = new Load(key, page, destination, network);
      try {
        readers.execute(load::run);
      } catch (RejectedExecutionException ended) {
        return network.load(key, destination);
      }
      return load;
    };
  }

  /** Keeps a chunk on disk as well, if the disk keeps up. */
  void offer(ChunkKey key, Chunk chunk) {
    if (closing || chunk.young() || chunk.length() == 0 || !chunk.retain()) {
      return;
    }
    if (!behind.offer(new Behind(key, chunk))) {
      skipped.increment();
      chunk.release();
    }
  }

  DiskTier tier() {
    return tier;
  }

  DiskStats stats() {
    return tier.stats();
  }

  /** Chunks that were not written because the disk did not keep up. */
  long skipped() {
    return skipped.sum();
  }

  /** Writes what is waiting, for some seconds at most, and closes the tier. */
  @Override
  public void close() {
    closing = true;
    readers.shutdown();
    try {
      if (!writer.join(END_WITHIN) || !readers.awaitTermination(1, TimeUnit.SECONDS)) {
        log.warn("The disk does not answer: its cache is checked at the next start");
        return;
      }
      tier.close();
    } catch (IOException failed) {
      log.warn("The disk cache could not be closed: {}", failed.getMessage());
    } catch (InterruptedException hurried) {
      Thread.currentThread().interrupt();
    }
  }

  private void write() {
    boolean changed = false;
    boolean resting = false;
    try {
      while (!closing || !behind.isEmpty()) {
        Behind next = behind.poll(closing ? 0 : FLUSH_AFTER.toMillis(), TimeUnit.MILLISECONDS);
        if (next != null) {
          write(next);
          usedNanos = System.nanoTime();
          changed = true;
          resting = false;
        } else if (changed) {
          tier.flush();
          changed = false;
        } else if (System.nanoTime() - usedNanos < REST_AFTER.toNanos()) {
          resting = false;
        } else if (!resting) {
          tier.rest();
          resting = true;
        }
      }
    } catch (InterruptedException never) {
      Thread.currentThread().interrupt();
    }
  }

  private void write(Behind next) {
    Chunk chunk = next.chunk();
    try {
      ChunkKey key = next.key();
      tier.put(
          page(key),
          indexInPage(key),
          key.index() == 0 && chunk.length() < CHUNK_BYTES,
          chunk.hash(),
          chunk.bytes());
    } catch (RuntimeException bug) {
      log.error("A chunk could not be written to the disk cache", bug);
    } finally {
      chunk.release();
    }
  }

  private static int indexInPage(ChunkKey key) {
    return (int) (key.index() % PageKey.CHUNKS);
  }

  private static PageKey page(ChunkKey key) {
    FileVersion file = key.file();
    ByteBuffer named =
        ByteBuffer.allocate(HASHED_BYTES)
            .putLong(file.shareHigh())
            .putLong(file.shareLow())
            .putLong(file.inode())
            .putLong(file.generation())
            .putLong(file.versionHigh())
            .putLong(file.versionLow())
            .putLong(key.index() / PageKey.CHUNKS);
    try {
      ByteBuffer digest =
          ByteBuffer.wrap(MessageDigest.getInstance("SHA-256").digest(named.array()));
      return new PageKey(digest.getLong(), digest.getLong());
    } catch (NoSuchAlgorithmException absent) {
      throw new IllegalStateException("every Java platform has SHA-256", absent);
    }
  }

  /** First the disk, then the network. */
  private final class Load implements PendingLoad {
    private final ChunkKey key;
    private final PageKey page;
    private final MemorySegment destination;
    private final ChunkLoader network;
    private final CompletableFuture<Arrival> arrival = new CompletableFuture<>();
    private @Nullable PendingLoad further;
    private boolean cancelled;

    Load(ChunkKey key, PageKey page, MemorySegment destination, ChunkLoader network) {
      this.key = key;
      this.page = page;
      this.destination = destination;
      this.network = network;
    }

    @Override
    public CompletableFuture<Arrival> arrival() {
      return arrival;
    }

    @Override
    public void cancel() {
      PendingLoad begun;
      synchronized (this) {
        cancelled = true;
        begun = further;
      }
      if (begun != null) {
        begun.cancel();
      }
    }

    private void run() {
      try {
        if (isCancelled()) {
          throw new CancellationException();
        }
        Optional<Found> found = tier.read(page, indexInPage(key), destination);
        if (found.isPresent()) {
          arrival.complete(Arrival.checked(found.get().length(), found.get().hash().bytes()));
          return;
        }
        PendingLoad begun = network.load(key, destination);
        boolean late;
        synchronized (this) {
          further = begun;
          late = cancelled;
        }
        if (late) {
          begun.cancel();
        }
        var _ =
            begun
                .arrival()
                .whenComplete((come, failure) -> {
                  if (failure != null) {
                    arrival.completeExceptionally(failure);
                  } else {
                    arrival.complete(come);
                  }
                });
      } catch (RuntimeException | Error failed) {
        // The destination is not written to any more, whatever it was.
        arrival.completeExceptionally(failed);
      }
    }

    private synchronized boolean isCancelled() {
      return cancelled;
    }
  }
}
