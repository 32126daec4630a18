package io.wormhole.cache.disk;

import static io.wormhole.cache.disk.RecordFile.INT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.wormhole.cache.disk.PersistentMap.BrokenMapException;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * What the versions of files are made of: for a file of one chunk its hash, else the hash of a page
 * of 512 hashes, which is kept like any content; and which two versions of a file came last.
 *
 * <pre>
 *   0 page key (16) | 16 hash (32) | 48 kind | 52 pin, 0 for none
 * </pre>
 *
 * <p>Holds a set number; past it, what is not pinned and was not asked for since a hand last came
 * by goes. {@link #get} on any platform thread, everything else on one at a time.
 */
final class VersionTable implements Closeable {
  static final String INDEX_FILE = "versions.map";
  private static final int HASH = 16;
  private static final int KIND = 48;
  private static final int PIN = 52;
  private static final int NO_PIN = 0;
  private static final int VALUE_BYTES = ChunkHash.BYTES + 2 * Integer.BYTES;

  private final RecordFile records;
  private final PersistentMap index;
  private final int most;
  private final BitSet used = new BitSet();
  private final byte[] asked;

  /** Which records each pin has. */
  private final Map<Integer, BitSet> pins = new HashMap<>();

  /** Something else was put where a pin has something. */
  private boolean replaced;

  private int hand;

  /** What stands under a key. */
  enum Kind {
    /** The hash of the only chunk. */
    CHUNK(0),
    /** The hash of a page of hashes. */
    PAGE(1),
    /** Under a file's key, in place of a hash: its {@link LastVersions}. */
    LAST(2);

    private final int code;

    Kind(int code) {
      this.code = code;
    }

    private static Optional<Kind> of(int code) {
      return switch (code) {
        case 0 -> Optional.of(CHUNK);
        case 1 -> Optional.of(PAGE);
        case 2 -> Optional.of(LAST);
        default -> Optional.empty();
      };
    }
  }

  /**
   * What a version, or 64 MiB of it, is made of.
   *
   * @param number of its record
   */
  record Entry(Kind kind, ChunkHash hash, int number) {}

  private VersionTable(RecordFile records, PersistentMap index, int most) {
    this.records = records;
    this.index = index;
    this.most = most;
    this.asked = new byte[most];
  }

  /**
   * @param most records it holds
   * @param clean whether the last owner closed it; else the index is made anew
   */
  static VersionTable open(Path folder, int most, boolean clean) throws IOException {
    RecordFile records = RecordFile.open(folder.resolve("versions.table"));
    try {
      PersistentMap index =
          new PersistentMap(folder.resolve(INDEX_FILE), PageKey.BYTES, VALUE_BYTES, most);
      VersionTable table = new VersionTable(records, index, most);
      table.load(clean);
      return table;
    } catch (IOException | RuntimeException failed) {
      records.close();
      throw failed;
    }
  }

  Optional<Entry> get(PageKey key) throws IOException {
    Optional<Entry> found = index.get(key.bytes()).map(VersionTable::decode);
    found.ifPresent(entry -> asked[entry.number()] = 1);
    return found;
  }

  void put(PageKey key, Kind kind, ChunkHash hash) throws IOException {
    byte[] name = key.bytes();
    Optional<Entry> before = index.get(name).map(VersionTable::decode);
    int number = before.isPresent() ? before.get().number() : free();
    int pin = pinOf(number);
    replaced |= pin != NO_PIN;
    write(number, name, kind, hash, pin);
    used.set(number);
    index.put(name, encode(kind, hash, number));
  }

  private void write(int number, byte[] name, Kind kind, ChunkHash hash, int pin)
      throws IOException {
    records.write(
        number,
        payload -> {
          MemorySegment.copy(name, 0, payload, JAVA_BYTE, 0, PageKey.BYTES);
          MemorySegment.copy(hash.bytes(), 0, payload, JAVA_BYTE, HASH, ChunkHash.BYTES);
          payload.set(INT, KIND, kind.code);
          payload.set(INT, PIN, pin);
        });
  }

  /**
   * Keeps what is there under a key for a pin, and for no other.
   *
   * @param pin 1 or more
   */
  void pin(PageKey key, Entry entry, int pin) throws IOException {
    int number = entry.number();
    if (pinOf(number) != pin) {
      write(number, key.bytes(), entry.kind(), entry.hash(), pin);
      unpinned(number);
      pins.computeIfAbsent(pin, _ -> new BitSet()).set(number);
    }
  }

  /** Keeps a record for no pin any more. */
  void unpin(int number) throws IOException {
    byte[][] name = new byte[1][];
    records.read(number, (_, payload) -> name[0] = key(payload));
    Optional<Entry> entry =
        name[0] == null ? Optional.empty() : index.get(name[0]).map(VersionTable::decode);
    if (entry.isPresent() && entry.get().number() == number) {
      write(number, name[0], entry.get().kind(), entry.get().hash(), NO_PIN);
    }
    unpinned(number);
  }

  /** Which pin has a record; 0 if none has. */
  int pinOf(int number) {
    for (Map.Entry<Integer, BitSet> pin : pins.entrySet()) {
      if (pin.getValue().get(number)) {
        return pin.getKey();
      }
    }
    return NO_PIN;
  }

  /** Whether a pin has what is there. */
  boolean isPinned(Entry entry) {
    return pinOf(entry.number()) != NO_PIN;
  }

  /** Whether something that a pin had was replaced since this was asked for last. */
  boolean wasReplaced() {
    boolean was = replaced;
    replaced = false;
    return was;
  }

  /** Every pin that has records. */
  Set<Integer> pins() {
    return Set.copyOf(pins.keySet());
  }

  /** The records that a pin has. */
  BitSet pinnedBy(int pin) {
    BitSet numbers = pins.get(pin);
    return numbers == null ? new BitSet() : (BitSet) numbers.clone();
  }

  private void unpinned(int number) {
    pins.values().forEach(numbers -> numbers.clear(number));
    pins.values().removeIf(BitSet::isEmpty);
  }

  /** Tells of everything there is. */
  void forEach(BiConsumer<PageKey, Entry> told) throws IOException {
    records.readAll((number, payload) -> {
      Optional<Kind> kind = Kind.of(payload.get(INT, KIND));
      if (kind.isPresent()) {
        ByteBuffer name = ByteBuffer.wrap(key(payload));
        told.accept(
            new PageKey(name.getLong(), name.getLong()),
            new Entry(kind.get(), hash(payload), number));
      }
    });
  }

  /** Bytes of the disk it takes. */
  long allocatedBytes() throws IOException {
    return records.allocatedBytes() + index.allocatedBytes();
  }

  /** Gives back what RAM it can do without. */
  void rest() {
    index.rest();
  }

  void force() throws IOException {
    records.force();
    index.force();
  }

  void clear() throws IOException {
    index.clear();
    records.clear();
    used.clear();
    pins.clear();
  }

  @Override
  public void close() throws IOException {
    index.close();
    records.close();
  }

  /** A record that is free, by now. */
  private int free() throws IOException {
    int number = used.nextClearBit(0);
    if (number < most) {
      return number;
    }
    // Where all is pinned some of it goes.
    for (int passed = 0;
        passed < 2 * most && (asked[hand] != 0 || pinOf(hand) != NO_PIN);
        passed++) {
      asked[hand] = 0;
      hand = (hand + 1) % most;
    }
    int victim = hand;
    hand = (hand + 1) % most;
    unpinned(victim);
    byte[][] name = new byte[1][];
    records.read(victim, (_, payload) -> name[0] = key(payload));
    if (name[0] != null) {
      index.remove(name[0]);
    }
    return victim;
  }

  private void load(boolean clean) throws IOException {
    if (clean && isWhole()) {
      return;
    }
    used.clear();
    pins.clear();
    index.clear();
    IOException[] failure = new IOException[1];
    List<Integer> useless = new ArrayList<>();
    records.readAll((number, payload) -> {
      Optional<Kind> kind = Kind.of(payload.get(INT, KIND));
      if (number >= most || kind.isEmpty()) {
        useless.add(number);
        return;
      }
      try {
        index.put(key(payload), encode(kind.get(), hash(payload), number));
        used.set(number);
        pinned(number, payload);
      } catch (IOException failed) {
        failure[0] = failed;
      }
    });
    for (int number : useless) {
      records.remove(number);
    }
    if (failure[0] != null) {
      throw failure[0];
    }
  }

  /** Reads the records; whether the index knows as much. */
  private boolean isWhole() throws IOException {
    records.readAll((number, payload) -> {
      used.set(number);
      pinned(number, payload);
    });
    try {
      return used.length() <= most && index.size() == used.cardinality();
    } catch (BrokenMapException broken) {
      return false;
    }
  }

  private void pinned(int number, MemorySegment payload) {
    int pin = payload.get(INT, PIN);
    if (pin != NO_PIN) {
      pins.computeIfAbsent(pin, _ -> new BitSet()).set(number);
    }
  }

  private static ChunkHash hash(MemorySegment payload) {
    return ChunkHash.of(payload.asSlice(HASH, ChunkHash.BYTES).toArray(JAVA_BYTE));
  }

  private static byte[] key(MemorySegment payload) {
    return payload.asSlice(0, PageKey.BYTES).toArray(JAVA_BYTE);
  }

  private static byte[] encode(Kind kind, ChunkHash hash, int number) {
    return ByteBuffer.allocate(VALUE_BYTES)
        .put(hash.bytes())
        .putInt(number)
        .putInt(kind.code)
        .array();
  }

  private static Entry decode(byte[] value) {
    ByteBuffer rest = ByteBuffer.wrap(value).position(ChunkHash.BYTES);
    int number = rest.getInt();
    Kind kind = Kind.of(rest.getInt()).orElseThrow();
    return new Entry(kind, ChunkHash.of(Arrays.copyOf(value, ChunkHash.BYTES)), number);
  }
}
