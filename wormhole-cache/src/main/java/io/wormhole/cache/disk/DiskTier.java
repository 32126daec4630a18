package io.wormhole.cache.disk;

import io.wormhole.cache.disk.PersistentMap.BrokenMapException;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.BitSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.DoublePredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chunks of file versions on disk: found after a restart and after a crash, never given unless they
 * are what their hash says, and within their bound. Whatever the disk does, the cache holds less,
 * and nobody is told anything wrong.
 *
 * <p>All methods block on the disk; platform threads only, which must not be interrupted. Reads
 * wait for no write, but where they find something corrupt.
 */
public final class DiskTier implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DiskTier.class);

  /** Contents are 16 KiB at least on the average, else it takes less than it may. */
  private static final long BYTES_PER_CONTENT = 16 << 10;

  private static final long LEAST_CONTENTS = 1024;
  private static final long MOST_CONTENTS = 1 << 24;

  /** An index that is so many times larger than it need be is made anew. */
  private static final int INDEX_SHRINKS_AT = 4;

  /** So much may be pinned, and a little more of names; the rest is for what is read otherwise. */
  private static final int PINNED_PERCENT = 90;

  private static final int PINNED_NAMES_PERCENT = 95;

  private static final int BETWEEN_MEASUREMENTS = 256;
  private static final int PLACES_A_REPORT = 1024;

  /** How long it does without a disk that refused. */
  private static final Duration PAUSE = Duration.ofSeconds(5);

  private final CacheFolder folder;
  private final Blake3 blake3;
  private final Clock clock;
  private final long floorBytes;
  private final Object writing = new Object();
  private final DiskCounts counts = new DiskCounts();

  private volatile Stores stores;
  private volatile long limitBytes;
  private int mostContents;
  private volatile long allowedBytes;
  private volatile long overheadBytes;
  private int untilMeasured;
  private long pausedSinceNanos = System.nanoTime() - PAUSE.toNanos();
  private boolean closed;

  /** The stores could not be opened again: they hold nothing, until it is tried once more. */
  private boolean lost;

  /** What there is on the disk. */
  record Stores(ContentStore contents, VersionTable versions, FilePages pages, Pins pins)
      implements Closeable {
    @Override
    public void close() throws IOException {
      Closing.all(contents, versions);
    }
  }

  /**
   * A chunk that was read.
   *
   * @param length its bytes
   */
  public record Found(int length, ChunkHash hash) {}

  private DiskTier(CacheFolder folder, long limitBytes, long floorBytes, Blake3 blake3, Clock clock)
      throws IOException {
    this.folder = folder;
    this.limitBytes = limitBytes;
    this.allowedBytes = limitBytes;
    this.floorBytes = floorBytes;
    this.blake3 = blake3;
    this.clock = clock;
    this.stores = open(folder.isClean(state(mostContents(limitBytes))));
  }

  /**
   * Opens a cache, or makes it.
   *
   * @param path of a folder, which is made if it is not there
   * @param limitBytes what it may take of the disk, everything counted
   * @param floorBytes what it leaves free on the disk, even if it must shrink for it
   * @throws CacheTakenException if another process has it
   */
  public static DiskTier open(
      Path path, long limitBytes, long floorBytes, Blake3 blake3, Clock clock) throws IOException {
    CacheFolder folder = CacheFolder.take(path);
    boolean done = false;
    try {
      DiskTier tier = new DiskTier(folder, limitBytes, floorBytes, blake3, clock);
      done = true;
      return tier;
    } finally {
      if (!done) {
        folder.close();
      }
    }
  }

  /**
   * Whether a chunk may be there; false is sure. Any thread, and does not block.
   *
   * @param index in its page
   */
  public boolean mayHold(PageKey page, int index) {
    return stores.pages().mayHold(page, index);
  }

  /**
   * Whether another version of a file than this one may be there; as {@link #mayHold}.
   *
   * @param file as {@link #noteVersion} has it
   */
  public boolean mayHoldOther(PageKey file, long high, long low) {
    return stores.pages().mayHoldOther(file, new LastVersions.Version(high, low));
  }

  /**
   * Reads a chunk.
   *
   * @param index in its page
   * @param destination where its first bytes go; may have been written to even if nothing is found
   */
  public Optional<Found> read(PageKey page, int index, MemorySegment destination) {
    Optional<Found> found = known(page, index).flatMap(hash -> read(hash, destination));
    (found.isPresent() ? counts.hits : counts.misses).increment();
    return found;
  }

  /**
   * Reads what has a hash, whatever file it is of.
   *
   * @param destination as in {@link #read(PageKey, int, MemorySegment)}
   */
  public Optional<Found> read(ChunkHash hash, MemorySegment destination) {
    Stores now = stores;
    try {
      return now.contents().read(hash, destination).map(length -> new Found(length, hash));
    } catch (CorruptContentException corrupt) {
      dropCorrupt(corrupt);
    } catch (IOException failed) {
      failed(now, failed);
    }
    return Optional.empty();
  }

  /**
   * The hash of a chunk, if it is there.
   *
   * @param index in its page
   */
  public Optional<ChunkHash> hashOf(PageKey page, int index) {
    Stores now = stores;
    try {
      Optional<ChunkHash> hash = known(page, index);
      return hash.isPresent() && now.contents().placeOf(hash.get()).isPresent()
          ? hash
          : Optional.empty();
    } catch (IOException failed) {
      failed(now, failed);
      return Optional.empty();
    }
  }

  private Optional<ChunkHash> known(PageKey page, int index) {
    Stores now = stores;
    try {
      return now.pages().hashOf(page, index);
    } catch (CorruptContentException corrupt) {
      dropCorrupt(corrupt);
    } catch (IOException failed) {
      failed(now, failed);
    }
    return Optional.empty();
  }

  private void dropCorrupt(CorruptContentException corrupt) {
    log.warn("Dropped a chunk from the disk cache: {}", corrupt.getMessage());
    drop(corrupt.hash());
  }

  /** Which versions of a file {@link #noteVersion} was told of last. */
  public Optional<LastVersions> lastVersions(PageKey file) {
    Stores now = stores;
    try {
      return now.pages().lastVersions(file);
    } catch (IOException failed) {
      failed(now, failed);
      return Optional.empty();
    }
  }

  /**
   * Something of a version of a file was put: while that is the last one, {@link #lastVersions}
   * tells which came before.
   *
   * @param file named by the caller as no page is
   * @param high first 8 bytes of the version's token
   * @param low its last 8 bytes
   */
  public void noteVersion(PageKey file, long high, long low) {
    var _ =
        change(now -> {
          now.pages().noteVersion(file, new LastVersions.Version(high, low));
          return true;
        });
  }

  /**
   * Keeps a chunk.
   *
   * @param alone whether it is its file's only one
   * @param bytes 1 to 131,072, which the hash was made of
   */
  public void put(PageKey page, int index, boolean alone, ChunkHash hash, MemorySegment bytes) {
    var _ = change(now -> put(now, page, index, alone, hash, bytes, now.pins().standing(page)));
  }

  /** As {@link PinRound#put}. */
  boolean putPinned(
      Stores now,
      PageKey page,
      int index,
      boolean alone,
      ChunkHash hash,
      MemorySegment bytes,
      boolean name)
      throws IOException {
    long most = name ? pinnableNameBytes() : pinnableBytes();
    if (!now.contents().isPinned(hash) && now.contents().pinnedBytes() + bytes.byteSize() > most) {
      return false;
    }
    now.pins().pinnedAhead();
    return put(now, page, index, alone, hash, bytes, Standing.PINNED);
  }

  private boolean put(
      Stores now,
      PageKey page,
      int index,
      boolean alone,
      ChunkHash hash,
      MemorySegment bytes,
      Standing standing)
      throws IOException {
    if (!makeRoom(now, bytes.byteSize())) {
      return false;
    }
    boolean there = now.contents().put(hash, bytes, standing);
    if (now.pages().note(page, index, hash, alone) && there) {
      counts.shared.increment();
    }
    return true;
  }

  /** What may be pinned but for names, everything counted that is. Any thread. */
  long pinnableBytes() {
    return allowedForContents() / 100 * PINNED_PERCENT;
  }

  /** As {@link #pinnableBytes}, with names and what versions are made of. */
  long pinnableNameBytes() {
    return allowedForContents() / 100 * PINNED_NAMES_PERCENT;
  }

  private long allowedForContents() {
    return Math.max(0, allowedBytes - overheadBytes);
  }

  /**
   * Whether what is pinned has room within a bound.
   *
   * @param bytes as in {@link #open}
   */
  public boolean fitsPinned(long bytes) {
    return stores.contents().pinnedBytes() <= (bytes - overheadBytes) / 100 * PINNED_NAMES_PERCENT;
  }

  /**
   * Begins a look of a pin at what it should have.
   *
   * @param pin not 0; negative for one that passes, and takes nothing from another
   */
  public PinRound pinRound(int pin) {
    return new PinRound(this, pin);
  }

  /**
   * Takes whatever they have from all pins but these.
   *
   * @param pins as they are known to the caller
   */
  public void keepPins(Set<Integer> pins) throws IOException {
    Boolean done =
        change(now -> {
          now.pins().release(pin -> !pins.contains(pin), new BitSet());
          return true;
        });
    if (done == null) {
      throw refusal();
    }
  }

  /** Something that is done to what there is. */
  @FunctionalInterface
  interface Change<T> {
    T to(Stores now) throws IOException;
  }

  /**
   * Does something while nobody else writes.
   *
   * @return null where the disk refuses
   */
  <T> @Nullable T change(Change<T> work) {
    synchronized (writing) {
      if (!isWritable()) {
        return null;
      }
      Stores now = stores;
      try {
        return work.to(now);
      } catch (CorruptContentException corrupt) {
        dropCorrupt(corrupt);
      } catch (IOException failed) {
        failed(now, failed);
      }
      return null;
    }
  }

  /** Writes what is known of files and not written yet; for when nothing was put for a while. */
  public void flush() {
    var _ =
        change(now -> {
          measure(now);
          makeFit(now);
          now.pages().flush();
          return true;
        });
  }

  /** Gives back RAM, for when nothing was asked for a while. */
  public void rest() {
    synchronized (writing) {
      stores.contents().rest();
      stores.versions().rest();
    }
  }

  /**
   * Sets another bound, at once. A smaller one drops what should go first.
   *
   * @param limitBytes as in {@link #open}
   */
  public void resize(long limitBytes) throws IOException {
    synchronized (writing) {
      this.limitBytes = limitBytes;
      checkWritable();
      Stores now = stores;
      try {
        int most = mostContents(limitBytes);
        if (most > mostContents || most <= mostContents / INDEX_SHRINKS_AT) {
          shrinkTo(now.contents(), most);
          reopen();
          checkWritable();
        }
        measure(stores);
        makeFit(stores);
      } catch (IOException failed) {
        failed(now, failed);
      }
    }
  }

  /**
   * Reads and hashes all there is, and drops what is not what it should be. Others read and write
   * meanwhile.
   *
   * @param progress told, some times a second, of how much is done, from 0 to 1; what it answers is
   *     whether to go on
   * @return how many contents were dropped
   */
  public long verify(DoublePredicate progress) throws IOException {
    long dropped = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment scratch = arena.allocate(ContentStore.LARGE_BYTES, SparseFile.BLOCK_BYTES);
      for (int place = 0; ; place++) {
        int places;
        synchronized (writing) {
          if (lost) {
            throw refusal();
          }
          places = closed ? 0 : stores.contents().places();
          if (place >= places) {
            return dropped;
          }
          if (!stores.contents().verify(place, scratch)) {
            dropped++;
          }
        }
        if (place % PLACES_A_REPORT == 0 && !progress.test((double) place / places)) {
          return dropped;
        }
      }
    }
  }

  /**
   * Drops what no version of a file is made of any more.
   *
   * @return how many contents were dropped
   */
  public long collect() throws IOException {
    synchronized (writing) {
      checkWritable();
      Stores now = stores;
      now.pages().flush();
      BitSet named = new BitSet();
      now.pages()
          .forEachHash(
              _ -> true,
              hash -> {
                OptionalInt place = now.contents().placeOf(hash);
                if (place.isPresent()) {
                  named.set(place.getAsInt());
                }
              });
      long dropped = now.contents().keepOnly(named);
      measure(now);
      return dropped;
    }
  }

  /** Removes everything. */
  public void clear() throws IOException {
    synchronized (writing) {
      checkWritable();
      stores.pages().clear();
      stores.versions().clear();
      stores.contents().clear();
      stores.pins().clear();
    }
  }

  /** Any thread, and does not block. */
  public DiskStats stats() {
    ContentStore contents = stores.contents();
    return new DiskStats(
        limitBytes,
        contents.contentBytes() + overheadBytes,
        contents.contents(),
        counts.shared.sum(),
        counts.hits.sum(),
        counts.misses.sum(),
        counts.evictions.sum(),
        counts.corrupt.sum(),
        counts.failures.sum(),
        contents.pinnedBytes(),
        pinnableBytes());
  }

  /** Writes what is not written yet and says on the disk that all is well. */
  @Override
  public void close() throws IOException {
    synchronized (writing) {
      if (closed) {
        return;
      }
      closed = true;
      try (folder) {
        if (lost) {
          return;
        }
        try (Stores last = stores) {
          last.pages().flush();
          last.contents().force();
          last.versions().force();
        }
        folder.markClean(state(mostContents));
      }
    }
  }

  private Stores open(boolean clean) throws IOException {
    mostContents = mostContents(limitBytes);
    ContentStore contents =
        ContentStore.open(folder.path(), mostContents, clean, blake3, clock, counts);
    VersionTable versions = null;
    boolean done = false;
    try {
      versions = VersionTable.open(folder.path(), mostContents, clean);
      FilePages pages = new FilePages(versions, contents, blake3);
      Stores opened =
          new Stores(contents, versions, pages, new Pins(contents, versions, pages, !clean));
      opened.pages().open();
      // Maps both indexes: the library takes a second to get ready, for which nobody waits here.
      var _ = contents.placeOf(ChunkHash.of(new byte[ChunkHash.BYTES]));
      var _ = versions.get(new PageKey(0, 0));
      measure(opened);
      makeFit(opened);
      done = true;
      return opened;
    } finally {
      if (!done) {
        Closing.all(contents, versions == null ? () -> {} : versions);
      }
    }
  }

  /** How large the indexes are, and checks of them: one that was changed may hang its reader. */
  private String state(int entries) throws IOException {
    return "%d %08x %08x"
        .formatted(
            entries,
            SparseFile.checkOf(folder.path().resolve(ContentStore.INDEX_FILE)),
            SparseFile.checkOf(folder.path().resolve(VersionTable.INDEX_FILE)));
  }

  private static int mostContents(long limitBytes) {
    long most = Math.clamp(limitBytes / BYTES_PER_CONTENT, LEAST_CONTENTS, MOST_CONTENTS);
    // A little more or less is no reason to make the index anew.
    return (int) (Long.highestOneBit(most - 1) << 1);
  }

  /** An index cannot be opened smaller than it is full. */
  private static void shrinkTo(ContentStore contents, int most) throws IOException {
    while (contents.contents() > most && contents.evict(true)) {}
  }

  /** Whether so many bytes more may be written, once what should go first has gone. */
  private boolean makeRoom(Stores now, long bytes) throws IOException {
    return makeRoom(now, bytes, false);
  }

  /** Has it take no more than it may, whatever goes for that. */
  private void makeFit(Stores now) throws IOException {
    var _ = makeRoom(now, 0, true);
  }

  private boolean makeRoom(Stores now, long bytes, boolean evenPinned) throws IOException {
    if (--untilMeasured <= 0) {
      measure(now);
    }
    ContentStore contents = now.contents();
    long room = allowedBytes - overheadBytes - bytes - SparseFile.BLOCK_BYTES;
    while (contents.contentBytes() > room || contents.contents() >= mostContents) {
      if (!contents.evict(evenPinned)) {
        return false;
      }
    }
    return true;
  }

  /** Whether the disk is to be written to at all; what was lost is looked for again. */
  private boolean isWritable() {
    if (closed || isPaused()) {
      return false;
    }
    if (lost) {
      reopen();
    }
    return !lost;
  }

  private void checkWritable() throws IOException {
    if (!isWritable()) {
      throw refusal();
    }
  }

  private static IOException refusal() {
    return new IOException("the disk refuses at the moment; the daemon's log says why");
  }

  private boolean isPaused() {
    return System.nanoTime() - pausedSinceNanos < PAUSE.toNanos();
  }

  /** Asks the disk what it counts, and what it has left. */
  private void measure(Stores now) throws IOException {
    untilMeasured = BETWEEN_MEASUREMENTS;
    long used = now.contents().allocatedBytes() + now.versions().allocatedBytes();
    overheadBytes = used - now.contents().contentBytes();
    long free = Files.getFileStore(folder.path()).getUsableSpace();
    allowedBytes = Math.min(limitBytes, used + free - floorBytes);
  }

  private void drop(ChunkHash hash) {
    synchronized (writing) {
      Stores now = stores;
      try {
        now.contents().drop(hash);
      } catch (IOException failed) {
        failed(now, failed);
      }
    }
  }

  /** The disk refused: the cache does without, and says so once in a while. */
  private void failed(Stores failing, IOException why) {
    counts.failures.increment();
    synchronized (writing) {
      if (closed || lost || !stores.equals(failing)) {
        return;
      }
      if (why instanceof BrokenMapException) {
        log.warn("The disk cache's index is made anew: {}", why.getMessage());
        reopen();
      } else {
        pause(why);
      }
    }
  }

  private void pause(IOException why) {
    if (!isPaused()) {
      log.warn("The disk cache pauses for {} s: {}", PAUSE.toSeconds(), why.getMessage());
    }
    pausedSinceNanos = System.nanoTime();
  }

  private void reopen() {
    if (!lost) {
      try (Stores last = stores) {
        last.pages().flush();
      } catch (IOException forgotten) {
        log.debug("Some of what was known of files is lost", forgotten);
      }
    }
    lost = true;
    try {
      stores = open(false);
      lost = false;
    } catch (IOException failed) {
      pause(failed);
    }
  }
}
