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
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.IntPredicate;

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

  /** Which pin has each record; empty while none has any. */
  private int[] pins = new int[0];

  /** Records that pins have. */
  private int pinned;

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
    int pin = before.isPresent() ? pinOf(before.get().number()) : NO_PIN;
    replaced |= pin != NO_PIN;
    put(name, kind, hash, pin);
  }

  private void put(byte[] name, Kind kind, ChunkHash hash, int pin) throws IOException {
    Optional<Entry> before = index.get(name).map(VersionTable::decode);
    int number = before.isPresent() ? before.get().number() : free();
    write(number, name, kind, hash, pin);
    used.set(number);
    hold(number, pin);
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
   * @param pin not 0
   */
  void pin(PageKey key, Entry entry, int pin) throws IOException {
    int number = entry.number();
    if (pinOf(number) != pin) {
      write(number, key.bytes(), entry.kind(), entry.hash(), pin);
      hold(number, pin);
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
    hold(number, NO_PIN);
  }

  /** Which pin has a record; 0 if none has. */
  int pinOf(int number) {
    return pins.length == 0 ? NO_PIN : pins[number];
  }

  /** Whether a pin has what is there. */
  boolean isPinned(Entry entry) {
    return pinOf(entry.number()) != NO_PIN;
  }

  /** Whether any pin has anything. */
  boolean hasPins() {
    return pinned > 0;
  }

  /** The records that such pins have. */
  BitSet pinnedBy(IntPredicate pin) {
    BitSet numbers = new BitSet();
    for (int number = 0; pinned > 0 && number < pins.length; number++) {
      if (pins[number] != NO_PIN && pin.test(pins[number])) {
        numbers.set(number);
      }
    }
    return numbers;
  }

  /** Whether something that a pin had was replaced since {@link #settled}. */
  boolean wasReplaced() {
    return replaced;
  }

  /** What was replaced is unpinned. */
  void settled() {
    replaced = false;
  }

  private void hold(int number, int pin) {
    if (pins.length == 0 && pin != NO_PIN) {
      pins = new int[most];
    }
    if (pins.length > 0) {
      pinned += (pin == NO_PIN ? 0 : 1) - (pins[number] == NO_PIN ? 0 : 1);
      pins[number] = pin;
    }
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
    forgetPins();
  }

  private void forgetPins() {
    pins = new int[0];
    pinned = 0;
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
    hold(victim, NO_PIN);
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
    forgetPins();
    index.clear();
    IOException[] failure = new IOException[1];
    List<Integer> useless = new ArrayList<>();
    List<Pinned> moved = new ArrayList<>();
    records.readAll((number, payload) -> {
      Optional<Kind> kind = Kind.of(payload.get(INT, KIND));
      int pin = payload.get(INT, PIN);
      if (number >= most || kind.isEmpty()) {
        useless.add(number);
        if (kind.isPresent() && pin != NO_PIN) {
          moved.add(new Pinned(key(payload), kind.get(), hash(payload), pin));
        }
        return;
      }
      try {
        index.put(key(payload), encode(kind.get(), hash(payload), number));
        used.set(number);
        hold(number, pin);
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
    for (Pinned each : moved) {
      put(each.key(), each.kind(), each.hash(), each.pin());
    }
  }

  /** What a pin has under a number that there is no more. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Pinned(byte[] key, Kind kind, ChunkHash hash, int pin) {}

  /** Reads the records; whether the index knows as much. */
  private boolean isWhole() throws IOException {
    records.readAll((number, payload) -> {
      used.set(number);
      if (number < most) {
        hold(number, payload.get(INT, PIN));
      }
    });
    try {
      return used.length() <= most && index.size() == used.cardinality();
    } catch (BrokenMapException broken) {
      return false;
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
