package io.wormhole.cache;

import io.wormhole.cache.disk.DiskStats;
import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.ram.Chunk;
import io.wormhole.cache.ram.RamTier;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Verified chunks by key: the only face of the cache.
 *
 * <p>A chunk that is not there is loaded into the cache's own memory, hashed on a verifying thread,
 * and seen by nobody before its hash, or that of the part he wants, was right. However many readers
 * want it, it is loaded once.
 *
 * <p>Memory is bounded: slots in use never exceed the limit by more than 2 MiB. A reader who finds
 * every slot held waits 10 ms and then reads past the limit; past that, for as long as he is
 * willing to. What was read past the limit is not kept.
 *
 * <p>Any thread may call. Nothing here waits but a {@link PendingChunk}.
 */
public final class ChunkCache implements AutoCloseable {
  /** The default limit: 96 MiB. */
  public static final long DEFAULT_LIMIT_BYTES = 96L << 20;

  private final Flights flights;
  private final RamTier<ChunkKey> tier;
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final Object attaching = new Object();
  private volatile @Nullable DiskSide attached;
  private boolean closed;

  /**
   * @param limitBytes RAM for chunks, at least {@link RamTier#MIN_LIMIT_BYTES}; none is taken
   *     before it is used
   * @param blake3 checks the bytes of each load
   * @param verifying runs it, on platform threads; not shut down here
   */
  public ChunkCache(long limitBytes, Blake3 blake3, Executor verifying) {
    this.flights = new Flights(limitBytes, blake3, verifying);
    this.tier = flights.tier();
  }

  /**
   * Puts a disk behind the memory, for once: what is not in memory is looked for there first, and
   * what a loader brings is kept there. When nothing was read for a minute, what is on the disk is
   * not kept in memory any more.
   *
   * @param disk closed with this; at once if this is closed
   */
  public void attach(DiskTier disk) {
    attach(new DiskSide(disk));
  }

  void attach(DiskSide side) {
    synchronized (attaching) {
      if (attached != null) {
        throw new IllegalStateException("there is a disk");
      }
      attached = side;
      side.inFrontIs(new Front());
      flights.attach(side);
      if (!closed) {
        return;
      }
    }
    side.close();
  }

  /**
   * Claims a chunk: the one that is there, or on its way, or else the one this loader brings. A
   * claim that fails leaves nothing behind, and the next one loads anew.
   */
  public PendingChunk get(ChunkKey key, ChunkLoader loader) {
    Chunk listed = peek(key);
    if (listed != null) {
      return new ReadyChunk(listed);
    }
    misses.increment();
    return flights.claim(key, loader);
  }

  /** The chunk if it is there, with a reference the caller releases once; else null. No load. */
  public @Nullable Chunk peek(ChunkKey key) {
    Chunk listed = tier.get(key);
    if (listed != null) {
      hits.increment();
    }
    return listed;
  }

  /**
   * Whether a chunk may be had without another load of it: it is here, or on its way. False is
   * sure. Does not block.
   *
   * @param patient whether a disk that is slow at the moment counts
   */
  public boolean mayHave(ChunkKey key, boolean patient) {
    DiskSide disk = attached;
    return tier.contains(key)
        || flights.isUnderWay(key)
        || (disk != null && disk.mayHave(key, patient));
  }

  /**
   * Keeps a chunk on disk that came some other way than by a load; if there is a disk, and that
   * keeps up.
   *
   * @param bytes all of it, which were found to be what the hash says; copied
   */
  public void keep(ChunkKey key, ChunkHash hash, MemorySegment bytes) {
    DiskSide disk = attached;
    if (disk != null) {
      disk.offer(key, hash, bytes);
    }
  }

  /**
   * What was kept on disk under a key, past the memory. Waits for the disk, some seconds at most.
   *
   * @return its bytes, checked; empty if it is not there, or there is no disk, or a slow one
   */
  public Optional<byte[]> recall(ChunkKey key) throws InterruptedException {
    DiskSide disk = attached;
    return disk == null ? Optional.empty() : disk.recall(key);
  }

  /**
   * Begins a look of a pin at the chunks it should have on disk.
   *
   * @param pin not 0; negative for one that passes, and takes nothing from another
   * @return empty if there is no disk
   */
  public Optional<PinnedChunks> pinned(int pin) {
    DiskSide disk = attached;
    return disk == null ? Optional.empty() : Optional.of(disk.pinned(pin));
  }

  /**
   * Loads a chunk that nobody waits for yet. Takes at most a quarter of the slots at a time, never
   * one that a reader waits for.
   *
   * @return false if no load was begun for want of a slot; true if one was, or none is needed
   */
  public boolean prefetch(ChunkKey key, ChunkLoader loader) {
    return flights.readAhead(key, loader);
  }

  /**
   * Cancels a load that no reader waits for and whose bytes have not come.
   *
   * @return whether there was one
   */
  public boolean cancelIfUnwanted(ChunkKey key) {
    return flights.cancelIfUnwanted(key);
  }

  /**
   * Drops what is known to be old or of no more use. Readers who wait get their chunk yet, but it
   * is not kept. Looks at every key there is, some thousands: for many files at once, ask once.
   */
  public void invalidate(Predicate<FileVersion> old) {
    flights.forget(old);
    tier.removeIf(key -> old.test(key.file()));
  }

  /**
   * Sets another limit, at once. A smaller one drops the coldest chunks; those that are held or on
   * their way go when they are let go.
   */
  public void resize(long limitBytes) {
    tier.resize(limitBytes);
  }

  /** Gives back the RAM of free slots; for when nothing has been read for a while. */
  public void trim() {
    tier.trim();
  }

  public CacheStats stats() {
    RamTier.Usage ram = tier.usage();
    DiskSide disk = attached;
    return new CacheStats(
        ram.limitBytes(),
        ram.usedBytes(),
        ram.overflowBytes(),
        ram.ramBytes(),
        ram.chunks(),
        hits.sum(),
        misses.sum(),
        ram.evictions(),
        flights.loads(),
        flights.fetched(),
        flights.rejected(),
        flights.bypasses(),
        disk == null ? 0 : disk.sameAnswers());
  }

  /** What the disk holds and did; empty if there is none. */
  public Optional<DiskStats> diskStats() {
    DiskSide disk = attached;
    return disk == null ? Optional.empty() : Optional.of(disk.stats());
  }

  /**
   * Fails readers who wait with {@link CacheClosedException}, cancels loads, drops all chunks. The
   * memory goes when the last chunk that is still held has been released and the last load has
   * ended. Writes to the disk what is waiting, for some seconds at most.
   */
  @Override
  public void close() {
    flights.close();
    DiskSide disk;
    synchronized (attaching) {
      disk = attached;
      closed = true;
    }
    if (disk != null) {
      disk.close();
    }
    tier.close();
  }

  /** What of this is in front of a disk. */
  private final class Front implements DiskSide.Memory {
    @Override
    public long reads() {
      return hits.sum() + misses.sum();
    }

    @Override
    public void rest(Predicate<ChunkKey> onDisk) {
      tier.removeIf(onDisk);
      tier.trim();
    }
  }

  /** Whether it is closed and its memory is the system's again. */
  boolean isReleased() {
    return tier.isReleased();
  }
}
