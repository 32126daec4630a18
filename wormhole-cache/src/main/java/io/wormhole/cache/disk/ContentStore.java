package io.wormhole.cache.disk;

import io.wormhole.cache.disk.PersistentMap.BrokenMapException;
import io.wormhole.cache.disk.SlotTable.Held;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bytes by their hash, 1 to 131,072 at a time, each once, in slots of 16 KiB and of 128 KiB.
 *
 * <p>What is read is hashed on the way, so wrong bytes are never given: what does not match is
 * dropped. The order of writing is slot, record, index; of dropping, index, record, slot. A reader
 * that overlaps a writer reads what does not match, looks again and finds that it is gone.
 *
 * <p>{@link #read} on any platform thread, everything else on one at a time.
 */
final class ContentStore implements Closeable {
  static final int SMALL_BYTES = 16 << 10;
  static final int LARGE_BYTES = 128 << 10;

  private static final Logger log = LoggerFactory.getLogger(ContentStore.class);
  static final String INDEX_FILE = "contents.map";
  private static final int VALUE_BYTES = Long.BYTES;
  private static final int SLABS = 2;

  private final SlabFile[] slabs;
  private final PersistentMap index;
  private final ClockEviction clock = new ClockEviction(this::proven);
  private final long entries;
  private final Blake3 blake3;
  private final Clock time;
  private final DiskCounts counts;
  private final AtomicLong contents = new AtomicLong();
  private final AtomicLong blocks = new AtomicLong();
  private long pinnedLost;

  private ContentStore(
      SlabFile[] slabs,
      PersistentMap index,
      long entries,
      Blake3 blake3,
      Clock time,
      DiskCounts counts) {
    this.slabs = slabs;
    this.index = index;
    this.entries = entries;
    this.blake3 = blake3;
    this.time = time;
    this.counts = counts;
  }

  /**
   * Opens what is there.
   *
   * @param entries the most contents it will hold
   * @param clean whether the last owner closed it; else the index is made anew
   */
  static ContentStore open(
      Path folder, long entries, boolean clean, Blake3 blake3, Clock time, DiskCounts counts)
      throws IOException {
    SlabFile small = SlabFile.open(folder, "small", SMALL_BYTES);
    try {
      SlabFile large = SlabFile.open(folder, "large", LARGE_BYTES);
      try {
        PersistentMap index =
            new PersistentMap(folder.resolve(INDEX_FILE), ChunkHash.BYTES, VALUE_BYTES, entries);
        ContentStore store =
            new ContentStore(new SlabFile[] {small, large}, index, entries, blake3, time, counts);
        store.load(clean);
        return store;
      } catch (IOException | RuntimeException failed) {
        large.close();
        throw failed;
      }
    } catch (IOException | RuntimeException failed) {
      small.close();
      throw failed;
    }
  }

  /**
   * Reads a content and checks it.
   *
   * @param destination where its first bytes go; whatever this returns, it may have been written to
   * @return how long it is; empty if it is not there, or is longer than the destination
   * @throws CorruptContentException if other bytes stand there: it is for {@link #drop}
   */
  Optional<Integer> read(ChunkHash hash, MemorySegment destination) throws IOException {
    byte[] key = hash.bytes();
    Optional<byte[]> found = index.get(key);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    long value = value(found.get());
    int place = place(value);
    int length = length(value);
    if (length < 1 || length > destination.byteSize()) {
      return Optional.empty();
    }
    MemorySegment bytes = destination.asSlice(0, length);
    if (slabOf(place).read(slotOf(place), bytes) && blake3.hash(bytes).hash().equals(hash)) {
      clock.touch(place);
      return Optional.of(length);
    }
    Optional<byte[]> now = index.get(key);
    if (now.isPresent() && value(now.get()) == value) {
      counts.corrupt.increment();
      throw new CorruptContentException(hash);
    }
    return Optional.empty();
  }

  /**
   * Keeps a content, if it is not there.
   *
   * @param standing the least it has
   * @return whether it was there
   */
  boolean put(ChunkHash hash, MemorySegment bytes, Standing standing) throws IOException {
    byte[] key = hash.bytes();
    Optional<byte[]> before = index.get(key);
    if (before.isPresent()) {
      clock.touch(place(value(before.get())));
      return standing != Standing.PINNED || pin(hash);
    }
    int length = (int) bytes.byteSize();
    int slab = length <= SMALL_BYTES ? 0 : 1;
    int slot = slabs[slab].take();
    int place = slot * SLABS + slab;
    Standing known = clock.standing(fingerprint(key));
    Standing stands = standing.compareTo(known) > 0 ? standing : known;
    try {
      slabs[slab].write(slot, bytes, new Held(hash, length, stands, time.millis()));
      index.put(key, value(place, length));
    } catch (IOException failed) {
      slabOf(place).free(slotOf(place));
      throw failed;
    }
    hold(place, length, stands);
    return false;
  }

  /** Whether a content is there and pinned. */
  boolean isPinned(ChunkHash hash) throws IOException {
    OptionalInt found = placeOf(hash);
    return found.isPresent() && clock.isPinned(found.getAsInt());
  }

  /** Bytes of the disk that a content takes; 0 if it is not there. */
  long bytesOf(ChunkHash hash) throws IOException {
    OptionalInt found = placeOf(hash);
    return found.isPresent() ? (long) clock.blocks(found.getAsInt()) * SparseFile.BLOCK_BYTES : 0;
  }

  /**
   * Keeps a content that is there until it is unpinned.
   *
   * @return whether it is there
   */
  boolean pin(ChunkHash hash) throws IOException {
    OptionalInt found = placeOf(hash);
    if (found.isEmpty()) {
      return false;
    }
    int place = found.getAsInt();
    if (!clock.isPinned(place)) {
      Optional<Held> held = held(place).filter(there -> there.hash().equals(hash));
      if (held.isEmpty()) {
        return false;
      }
      stand(place, held.get(), Standing.PINNED);
    }
    return true;
  }

  /** Unpins all else: that goes first. */
  void unpinAllBut(BitSet places) throws IOException {
    for (int place = 0; place < places(); place++) {
      if (clock.isPinned(place) && !places.get(place)) {
        Optional<Held> held = held(place);
        if (held.isPresent()) {
          stand(place, held.get(), Standing.PROBATION);
        }
      }
    }
  }

  private void stand(int place, Held held, Standing standing) throws IOException {
    slabOf(place).mark(slotOf(place), held.as(standing));
    clock.change(place, standing);
  }

  /** Drops a content. */
  void drop(ChunkHash hash) throws IOException {
    byte[] key = hash.bytes();
    Optional<byte[]> found = index.get(key);
    if (found.isEmpty()) {
      return;
    }
    index.remove(key);
    int place = place(value(found.get()));
    // If the table does not say so, the place is another's by now, or goes with the clock.
    if (held(place).filter(held -> held.hash().equals(hash)).isPresent()) {
      letGo(place);
      slabOf(place).free(slotOf(place));
    }
  }

  /**
   * Drops what should go first.
   *
   * @param evenPinned whether what is pinned may go, if there is nothing else
   * @return false if there is nothing that may
   */
  boolean evict(boolean evenPinned) throws IOException {
    int place = clock.victim();
    if (place < 0 && evenPinned) {
      place = clock.pinnedVictim();
    }
    if (place < 0) {
      return false;
    }
    Optional<Held> held = held(place);
    if (held.isPresent()) {
      byte[] key = held.get().hash().bytes();
      unlist(key, place);
      clock.remember(fingerprint(key));
    }
    letGo(place);
    slabOf(place).free(slotOf(place));
    counts.evictions.increment();
    return true;
  }

  /**
   * Reads what a place holds, and checks it.
   *
   * @param scratch of {@link #LARGE_BYTES}
   * @return false if it was not what the table says: it is dropped, and what the table says of a
   *     place that nobody finds is made good
   */
  boolean verify(int place, MemorySegment scratch) throws IOException {
    if (clock.blocks(place) == 0) {
      return true;
    }
    Optional<Held> held = held(place);
    if (held.isPresent()) {
      ChunkHash hash = held.get().hash();
      MemorySegment bytes = scratch.asSlice(0, held.get().length());
      if (slabOf(place).read(slotOf(place), bytes) && blake3.hash(bytes).hash().equals(hash)) {
        index.put(hash.bytes(), value(place, held.get().length()));
        return true;
      }
      unlist(hash.bytes(), place);
    }
    counts.corrupt.increment();
    letGo(place);
    slabOf(place).free(slotOf(place));
    return false;
  }

  /** Where a content is. */
  OptionalInt placeOf(ChunkHash hash) throws IOException {
    Optional<byte[]> found = index.get(hash.bytes());
    return found.isPresent() ? OptionalInt.of(place(value(found.get()))) : OptionalInt.empty();
  }

  /**
   * Drops all else.
   *
   * @return how many that were
   */
  long keepOnly(BitSet places) throws IOException {
    long dropped = 0;
    for (int place = 0; place < places(); place++) {
      if (clock.blocks(place) == 0 || places.get(place)) {
        continue;
      }
      Optional<Held> held = held(place);
      if (held.isPresent()) {
        unlist(held.get().hash().bytes(), place);
      }
      letGo(place);
      slabOf(place).free(slotOf(place));
      dropped++;
    }
    return dropped;
  }

  /** Places are numbered from 0 to one less than this. */
  int places() {
    return Math.max(slabs[0].slots(), slabs[1].slots()) * SLABS;
  }

  /** What it holds. Any thread. */
  long contents() {
    return contents.get();
  }

  /** Bytes of the disk that contents take. Any thread. */
  long contentBytes() {
    return blocks.get() * SparseFile.BLOCK_BYTES;
  }

  /** Bytes of the disk that pinned contents take. Any thread. */
  long pinnedBytes() {
    return clock.pinnedBlocks() * SparseFile.BLOCK_BYTES;
  }

  /** How many contents were dropped that were pinned. */
  long pinnedLost() {
    return pinnedLost;
  }

  /** Bytes of the disk that contents, tables and index take, as the disk counts them. */
  long allocatedBytes() throws IOException {
    long sum = index.allocatedBytes();
    for (SlabFile slab : slabs) {
      sum += slab.allocatedBytes();
    }
    return sum;
  }

  /** Gives back what RAM it can do without. */
  void rest() {
    index.rest();
  }

  void clear() throws IOException {
    index.clear();
    for (SlabFile slab : slabs) {
      slab.clear();
    }
    clock.clear();
    contents.set(0);
    blocks.set(0);
  }

  /** Makes what tells where all stands outlive a power cut. */
  void force() throws IOException {
    for (SlabFile slab : slabs) {
      slab.force();
    }
    index.force();
  }

  @Override
  public void close() throws IOException {
    Closing.all(index, slabs[0], slabs[1]);
  }

  private void load(boolean clean) throws IOException {
    if (clean && isWhole()) {
      return;
    }
    clock.clear();
    contents.set(0);
    blocks.set(0);
    index.clear();
    read(true);
  }

  /** Reads the tables; whether the index knows as much. */
  private boolean isWhole() throws IOException {
    try {
      read(false);
      return index.size() == contents.get();
    } catch (BrokenMapException broken) {
      return false;
    }
  }

  private void read(boolean indexed) throws IOException {
    AtomicLong pinned = new AtomicLong(indexed ? countPinned() : 0);
    for (int number = 0; number < SLABS; number++) {
      int slab = number;
      List<Integer> useless = new ArrayList<>();
      IOException[] failure = new IOException[1];
      slabs[slab].readAll((slot, held) -> {
        int place = slot * SLABS + slab;
        try {
          boolean isPinned = held.standing() == Standing.PINNED;
          if (indexed && isPinned) {
            pinned.decrementAndGet();
          }
          // A bound that was made smaller since has a smaller index; what is pinned comes first.
          long others = isPinned ? 0 : pinned.get();
          if (held.length() > slabs[slab].slotBytes()
              || contents.get() + others >= entries
              || (indexed && index.get(held.hash().bytes()).isPresent())) {
            useless.add(place);
            return;
          }
          if (indexed) {
            index.put(held.hash().bytes(), value(place, held.length()));
          }
          hold(place, held.length(), held.standing());
        } catch (IOException failed) {
          failure[0] = failed;
        }
      });
      if (failure[0] != null) {
        throw failure[0];
      }
      for (int place : useless) {
        slabOf(place).free(slotOf(place));
      }
    }
  }

  private long countPinned() throws IOException {
    AtomicLong pinned = new AtomicLong();
    for (SlabFile slab : slabs) {
      slab.readAll((_, held) -> {
        if (held.standing() == Standing.PINNED) {
          pinned.incrementAndGet();
        }
      });
    }
    return pinned.get();
  }

  private void hold(int place, int length, Standing standing) {
    int size = Math.ceilDiv(length, SparseFile.BLOCK_BYTES);
    clock.add(place, size, standing);
    contents.incrementAndGet();
    blocks.addAndGet(size);
  }

  private void letGo(int place) {
    if (clock.isPinned(place)) {
      pinnedLost++;
    }
    contents.decrementAndGet();
    blocks.addAndGet(-clock.blocks(place));
    clock.remove(place);
  }

  private void proven(int place) {
    try {
      Optional<Held> held = held(place);
      if (held.isPresent()) {
        slabOf(place).mark(slotOf(place), held.get().as(Standing.PROVEN));
      }
    } catch (IOException forgotten) {
      log.debug("What has proven itself is not known to after a restart", forgotten);
    }
  }

  /** What the table says of a place. */
  private Optional<Held> held(int place) throws IOException {
    SlabFile file = slabOf(place);
    return file.held(slotOf(place)).filter(held -> held.length() <= file.slotBytes());
  }

  /** The index does not name the place for this content any more. */
  private void unlist(byte[] key, int place) throws IOException {
    Optional<byte[]> found = index.get(key);
    if (found.isPresent() && place(value(found.get())) == place) {
      index.remove(key);
    }
  }

  private SlabFile slabOf(int place) {
    return slabs[place % SLABS];
  }

  private static int slotOf(int place) {
    return place / SLABS;
  }

  private static byte[] value(int place, int length) {
    return ByteBuffer.allocate(VALUE_BYTES).putInt(place).putInt(length).array();
  }

  private static long value(byte[] bytes) {
    return ByteBuffer.wrap(bytes).getLong();
  }

  private static int place(long value) {
    return (int) (value >>> Integer.SIZE);
  }

  private static int length(long value) {
    return (int) value;
  }

  private static long fingerprint(byte[] hash) {
    return ByteBuffer.wrap(hash).getLong();
  }
}
