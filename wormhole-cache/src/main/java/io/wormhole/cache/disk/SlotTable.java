package io.wormhole.cache.disk;

import static io.wormhole.cache.disk.RecordFile.INT;
import static io.wormhole.cache.disk.RecordFile.LONG;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.wormhole.protocol.hash.ChunkHash;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What stands in the slots of a slab, from which all else can be made anew.
 *
 * <pre>
 *   0 hash (32) | 32 length | 36 flags | 40 written, ms since 1970 (8)
 * </pre>
 *
 * <p>One thread at a time.
 */
final class SlotTable implements Closeable {
  private static final int LENGTH = 32;
  private static final int FLAGS = 36;
  private static final int WRITTEN = 40;

  private final RecordFile records;

  /**
   * What a slot holds.
   *
   * @param length 1 to 131,072
   * @param standing how it came to stay
   * @param writtenMillis since 1970
   */
  record Held(ChunkHash hash, int length, Standing standing, long writtenMillis) {
    Held as(Standing other) {
      return new Held(hash, length, other, writtenMillis);
    }
  }

  /** Told of each slot that holds something. */
  @FunctionalInterface
  interface Reader {
    void held(int slot, Held held);
  }

  private SlotTable(RecordFile records) {
    this.records = records;
  }

  static SlotTable open(Path path) throws IOException {
    return new SlotTable(RecordFile.open(path));
  }

  /** A slot holds this from now on. */
  void hold(int slot, Held held) throws IOException {
    records.write(
        slot,
        payload -> {
          MemorySegment.copy(held.hash().bytes(), 0, payload, JAVA_BYTE, 0, ChunkHash.BYTES);
          payload.set(INT, LENGTH, held.length());
          payload.set(INT, FLAGS, held.standing().code());
          payload.set(LONG, WRITTEN, held.writtenMillis());
        });
  }

  /** A slot holds nothing from now on. */
  void free(int slot) throws IOException {
    records.remove(slot);
  }

  Optional<Held> held(int slot) throws IOException {
    Held[] found = new Held[1];
    records.read(slot, (_, payload) -> found[0] = decode(payload));
    return Optional.ofNullable(found[0]);
  }

  /**
   * Reads all there is, in order of the slots.
   *
   * @return how many records were of no use
   */
  int readAll(Reader reader) throws IOException {
    int[] strange = new int[1];
    int broken =
        records.readAll((slot, payload) -> {
          Held held = decode(payload);
          if (held != null) {
            reader.held(slot, held);
          } else {
            strange[0]++;
          }
        });
    return broken + strange[0];
  }

  long allocatedBytes() throws IOException {
    return records.allocatedBytes();
  }

  void force() throws IOException {
    records.force();
  }

  void clear() throws IOException {
    records.clear();
  }

  @Override
  public void close() throws IOException {
    records.close();
  }

  private static @Nullable Held decode(MemorySegment payload) {
    int length = payload.get(INT, LENGTH);
    Standing standing = Standing.of(payload.get(INT, FLAGS)).orElse(null);
    if (length < 1 || standing == null) {
      return null;
    }
    byte[] hash = payload.asSlice(0, ChunkHash.BYTES).toArray(JAVA_BYTE);
    return new Held(ChunkHash.of(hash), length, standing, payload.get(LONG, WRITTEN));
  }
}
