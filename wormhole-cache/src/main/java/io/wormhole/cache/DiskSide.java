package io.wormhole.cache;

import io.wormhole.cache.disk.DiskStats;
import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.ram.Chunk;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * L2 beside L1: a chunk that is on the disk is read from there, on {@code disk-reader-N}, and one
 * that came over the network is written behind, by {@code disk-writer}.
 *
 * <p>Nobody waits for a disk that does not keep up. Past {@link #MOST_BEHIND} chunks the next ones
 * are not written. What the disk has not read after {@link #PATIENCE} comes over the network, and
 * after {@link #MOST_LATE} such reads on end so does all else for {@link #WITHOUT}.
 */
final class DiskSide implements AutoCloseable {
  /** How long a read may take; a disk that has to spin up takes longer. */
  static final Duration PATIENCE = Duration.ofMillis(250);

  /** Reads one after the other that are late on a disk which is slow, and not only busy once. */
  static final int MOST_LATE = 4;

  private static final Logger log = LoggerFactory.getLogger(DiskSide.class);
  private static final int READERS = 2;
  private static final int MOST_READS = 1024;
  private static final int MOST_BEHIND = 128;
  private static final Duration WITHOUT = Duration.ofSeconds(5);

  /** What is kept of names is asked for where nobody else knows them: a disk may wake up for it. */
  private static final Duration RECALLED_WITHIN = Duration.ofSeconds(5);

  private static final Duration FLUSH_AFTER = Duration.ofSeconds(1);

  /** How long nothing has to be read before what costs RAM is given back. */
  static final Duration REST_AFTER = Duration.ofSeconds(60);

  private static final Duration END_WITHIN = Duration.ofSeconds(5);

  private static final ThreadLocal<MemorySegment> SCRATCH =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(ChunkLoader.CHUNK_BYTES, 4096));

  private final DiskTier tier;
  private final ExecutorService readers;
  private final Duration patience;
  private final Duration restAfter;
  private final ScheduledThreadPoolExecutor watch;
  private final BlockingQueue<Runnable> behind = new LinkedBlockingQueue<>(MOST_BEHIND);
  private final Thread writer;

  private final LongAdder sameAnswers = new LongAdder();

  /** Reads that were overtaken since the disk last brought something in time. */
  private final AtomicInteger late = new AtomicInteger();

  private volatile long withoutSinceNanos = System.nanoTime() - WITHOUT.toNanos();
  private volatile long usedNanos = System.nanoTime();
  private volatile boolean closing;
  private volatile @Nullable Memory memory;

  /** Nothing is written any more. */
  private volatile boolean over;

  // The writer's own.
  private boolean changed;
  private boolean resting;
  private long readsSeen;

  /**
   * @param tier closed with this
   */
  DiskSide(DiskTier tier) {
    this(
        tier,
        new ThreadPoolExecutor(
            READERS,
            READERS,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MOST_READS),
            Thread.ofPlatform().daemon().name("disk-reader-", 0).factory()),
        PATIENCE,
        REST_AFTER);
  }

  /**
   * @param readers run what blocks on the disk; may reject; shut down with this
   * @param patience how long a read may take
   * @param restAfter how long nothing has to be read before RAM is given back
   */
  DiskSide(DiskTier tier, ExecutorService readers, Duration patience, Duration restAfter) {
    this.tier = tier;
    this.patience = patience;
    this.restAfter = restAfter;
    this.readers = readers;
    this.watch =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("disk-watch").factory());
    watch.setRemoveOnCancelPolicy(true);
    this.writer = Thread.ofPlatform().daemon().name("disk-writer").start(this::write);
  }

  /** The memory in front of a disk. */
  interface Memory {
    /** How often something was asked of it. */
    long reads();

    /** Drops what is on the disk as well, and gives its RAM back. May wait for the disk. */
    void rest(Predicate<ChunkKey> onDisk);
  }

  /** From now on this memory rests when the disk does: while nothing is asked of either. */
  void inFrontIs(Memory front) {
    memory = front;
  }

  /** What brings a chunk from the disk if it is there, and else as this one does. */
  ChunkLoader before(ChunkLoader network) {
    return (key, destination) -> {
      boolean mayHelp = mayHold(key) || mayHoldOther(key.file());
      boolean patient = !network.hasWay();
      if (closing || (isWithout() && !patient) || !mayHelp) {
        return network.load(key, destination);
      }
      usedNanos = System.nanoTime();
      DiskLoad load = new DiskLoad(key, destination, network, this::readKnown);
      begin(load, () -> read(load), patient);
      return load;
    };
  }

  private void begin(DiskLoad load, Runnable reading, boolean patient) {
    try {
      readers.execute(reading);
      if (!patient) {
        watch(load);
      }
    } catch (RejectedExecutionException busyOrClosing) {
      if (load.giveUp()) {
        load.overNetwork();
      }
    }
  }

  /** The host says that a chunk of another version is the one. */
  private void readKnown(DiskLoad load) {
    sameAnswers.increment();
    begin(
        load,
        () -> {
          if (load.readKnown(tier, SCRATCH.get())) {
            late.set(0);
          }
        },
        false);
  }

  /** Whether what this load brought needs no check any more. */
  static boolean hasChecked(PendingLoad load) {
    return load instanceof DiskLoad ours && ours.isChecked();
  }

  /** Whether the disk knows already, under this name, what this load brought. */
  static boolean hasKept(PendingLoad load) {
    return load instanceof DiskLoad ours && ours.isChecked() && !ours.isNews();
  }

  /**
   * Keeps a chunk on disk as well, if the disk keeps up.
   *
   * @param most chunks that may wait for the disk, so that enough are left for readers
   */
  void offer(ChunkKey key, Chunk chunk, int most) {
    if (closing
        || behind.size() >= most
        || chunk.young()
        || chunk.length() == 0
        || !chunk.retain()) {
      return;
    }
    if (!offer(() -> write(key, chunk))) {
      chunk.release();
    }
  }

  /** Keeps bytes that are copied, if the disk keeps up. */
  void offer(ChunkKey key, ChunkHash hash, MemorySegment bytes) {
    if (closing || bytes.byteSize() == 0 || behind.remainingCapacity() == 0) {
      return;
    }
    MemorySegment copy = MemorySegment.ofArray(bytes.toArray(ValueLayout.JAVA_BYTE));
    boolean _ = offer(() -> write(key, hash, copy));
  }

  private boolean offer(Runnable task) {
    boolean taken = behind.offer(task);
    if (taken && over) {
      drain();
    }
    return taken;
  }

  /** What comes too late is let go: the tier is closed and takes nothing. */
  private void drain() {
    for (Runnable late = behind.poll(); late != null; late = behind.poll()) {
      late.run();
    }
  }

  /** As {@link ChunkCache#mayHave}. */
  boolean mayHave(ChunkKey key, boolean patient) {
    return !closing && (patient || !isWithout()) && mayHold(key);
  }

  private boolean mayHold(ChunkKey key) {
    return tier.mayHold(DiskKeys.page(key), DiskKeys.indexInPage(key));
  }

  private boolean mayHoldOther(FileVersion file) {
    return tier.mayHoldOther(DiskKeys.file(file), file.versionHigh(), file.versionLow());
  }

  /** As {@link ChunkCache#recall}. */
  Optional<byte[]> recall(ChunkKey key) throws InterruptedException {
    if (!mayHave(key, true)) {
      return Optional.empty();
    }
    CompletableFuture<Optional<byte[]>> answer = new CompletableFuture<>();
    try {
      readers.execute(() -> {
        try {
          answer.complete(copy(key));
        } catch (RuntimeException | Error failed) {
          answer.completeExceptionally(failed);
        }
      });
      return answer.get(RECALLED_WITHIN.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException failed) {
      log.error("The disk cache could not be read", failed.getCause());
      return Optional.empty();
    } catch (TimeoutException | RejectedExecutionException busyOrClosing) {
      return Optional.empty();
    }
  }

  private Optional<byte[]> copy(ChunkKey key) {
    MemorySegment scratch = SCRATCH.get();
    return tier.read(DiskKeys.page(key), DiskKeys.indexInPage(key), scratch)
        .map(found -> scratch.asSlice(0, found.length()).toArray(ValueLayout.JAVA_BYTE));
  }

  PinnedChunks pinned(int pin) {
    return new PinnedChunks(tier, pin);
  }

  /** How often the host has said that a chunk of another version is the one. */
  long sameAnswers() {
    return sameAnswers.sum();
  }

  DiskStats stats() {
    return tier.stats();
  }

  /** Writes what is waiting and closes the tier; returns after some seconds at most. */
  @Override
  public void close() {
    closing = true;
    // The writer need not wait for a chunk any more; if the queue is full it does not.
    boolean _ = behind.offer(() -> {});
    readers.shutdown();
    watch.shutdownNow();
    try {
      if (!writer.join(END_WITHIN)) {
        log.warn("The disk does not answer: its cache is checked at the next start");
      }
    } catch (InterruptedException hurried) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isWithout() {
    return System.nanoTime() - withoutSinceNanos < WITHOUT.toNanos();
  }

  private void watch(DiskLoad load) {
    Future<?> end =
        watch.schedule(() -> overtake(load), patience.toMillis(), TimeUnit.MILLISECONDS);
    var _ = load.arrival().whenComplete((_, _) -> end.cancel(false));
  }

  private void read(DiskLoad load) {
    if (load.read(tier, SCRATCH.get())) {
      late.set(0);
    }
  }

  private void overtake(DiskLoad load) {
    if (load.giveUp()) {
      if (late.incrementAndGet() >= MOST_LATE) {
        if (!isWithout()) {
          log.warn("The disk is slow: its cache is not asked for {} s", WITHOUT.toSeconds());
        }
        withoutSinceNanos = System.nanoTime();
      }
      load.overNetwork();
    }
  }

  private void write() {
    try {
      while (!closing || !behind.isEmpty()) {
        try {
          writeOrRest();
        } catch (RuntimeException | Error failed) {
          // A page of a mapped file that the disk has no block for comes late, as an error.
          log.error("The disk cache could not be written", failed);
        }
      }
      if (readers.awaitTermination(END_WITHIN.toSeconds(), TimeUnit.SECONDS)) {
        tier.close();
      }
    } catch (IOException failed) {
      log.warn("The disk cache could not be closed: {}", failed.getMessage());
    } catch (InterruptedException never) {
      Thread.currentThread().interrupt();
    } finally {
      over = true;
      drain();
    }
  }

  private void writeOrRest() throws InterruptedException {
    Runnable next = behind.poll(closing ? 0 : FLUSH_AFTER.toMillis(), TimeUnit.MILLISECONDS);
    if (next != null) {
      next.run();
      usedNanos = System.nanoTime();
      changed = true;
      resting = false;
    } else if (changed) {
      changed = false;
      tier.flush();
    } else if (isUsed()) {
      resting = false;
    } else if (!resting) {
      resting = true;
      Memory front = memory;
      try {
        if (front != null) {
          front.rest(this::isOnDisk);
        }
      } finally {
        tier.rest();
      }
    }
  }

  /** Asks the disk; who closes this does not wait for that. */
  private boolean isOnDisk(ChunkKey key) {
    return !closing && tier.hashOf(DiskKeys.page(key), DiskKeys.indexInPage(key)).isPresent();
  }

  /** Whether the disk, or the memory in front of it, was asked for something of late. */
  private boolean isUsed() {
    Memory front = memory;
    long reads = front == null ? 0 : front.reads();
    if (reads != readsSeen) {
      readsSeen = reads;
      usedNanos = System.nanoTime();
    }
    return System.nanoTime() - usedNanos < restAfter.toNanos();
  }

  /** Gives the reference to the chunk back. */
  private void write(ChunkKey key, Chunk chunk) {
    try {
      write(key, chunk.hash(), chunk.bytes());
    } finally {
      chunk.release();
    }
  }

  private void write(ChunkKey key, ChunkHash hash, MemorySegment bytes) {
    try {
      boolean alone = DiskKeys.isAlone(key, bytes.byteSize());
      tier.put(DiskKeys.page(key), DiskKeys.indexInPage(key), alone, hash, bytes);
      if (!alone) {
        FileVersion file = key.file();
        tier.noteVersion(DiskKeys.file(file), file.versionHigh(), file.versionLow());
      }
    } catch (RuntimeException bug) {
      log.error("A chunk could not be written to the disk cache", bug);
    }
  }
}
