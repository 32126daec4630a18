package io.wormhole.cache.disk;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/**
 * Records of 64 bytes by number: 60 bytes of somebody's and their CRC-32C. A record of zeros is
 * none. What was torn or changed by others fails its check and counts as none. One thread at a
 * time.
 */
final class RecordFile implements Closeable {
  /** What a record holds beside its check. */
  static final int PAYLOAD_BYTES = 60;

  static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int RECORD_BYTES = 64;
  private static final int CRC = PAYLOAD_BYTES;
  private static final int AT_ONCE = 16_384;

  private final SparseFile file;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment record = arena.allocate(RECORD_BYTES, Long.BYTES);
  private final byte[] checked = new byte[CRC];

  /** Told of each record that holds. */
  @FunctionalInterface
  interface Reader {
    /** There is one: 60 bytes, to be looked at until this returns. */
    void record(int number, MemorySegment payload);
  }

  /** Fills in a record. */
  @FunctionalInterface
  interface Writer {
    /** Fills in 60 zeros. */
    void record(MemorySegment payload);
  }

  private RecordFile(SparseFile file) {
    this.file = file;
  }

  static RecordFile open(Path path) throws IOException {
    return new RecordFile(SparseFile.open(path));
  }

  void write(int number, Writer writer) throws IOException {
    record.fill((byte) 0);
    writer.record(record.asSlice(0, PAYLOAD_BYTES));
    record.set(INT, CRC, crc(record));
    file.write(position(number), record);
  }

  void remove(int number) throws IOException {
    record.fill((byte) 0);
    file.write(position(number), record);
  }

  /** Tells the reader of one record; not, if there is none that holds. */
  void read(int number, Reader reader) throws IOException {
    if (file.read(position(number), record) && holds(record)) {
      reader.record(number, record.asSlice(0, PAYLOAD_BYTES));
    }
  }

  /**
   * Tells the reader of all there are, in order.
   *
   * @return how many were neither none nor whole
   */
  int readAll(Reader reader) throws IOException {
    long records = file.size() / RECORD_BYTES;
    int broken = 0;
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment many = scratch.allocate((long) AT_ONCE * RECORD_BYTES);
      for (long from = 0; from < records; from += AT_ONCE) {
        long count = Math.min(AT_ONCE, records - from);
        MemorySegment part = many.asSlice(0, count * RECORD_BYTES);
        if (!file.read(from * RECORD_BYTES, part)) {
          return broken;
        }
        for (int i = 0; i < count; i++) {
          MemorySegment one = part.asSlice((long) i * RECORD_BYTES, RECORD_BYTES);
          if (holds(one)) {
            reader.record((int) from + i, one.asSlice(0, PAYLOAD_BYTES));
          } else if (!isNone(one)) {
            broken++;
          }
        }
      }
    }
    return broken;
  }

  long allocatedBytes() throws IOException {
    return file.allocatedBytes();
  }

  /** Makes what was written outlive a power cut. */
  void force() throws IOException {
    file.force();
  }

  void clear() throws IOException {
    file.clear();
  }

  @Override
  public void close() throws IOException {
    arena.close();
    file.close();
  }

  private boolean holds(MemorySegment one) {
    return !isNone(one) && one.get(INT, CRC) == crc(one);
  }

  private static boolean isNone(MemorySegment one) {
    for (int at = 0; at < RECORD_BYTES; at += Long.BYTES) {
      if (one.get(LONG, at) != 0) {
        return false;
      }
    }
    return true;
  }

  private int crc(MemorySegment one) {
    MemorySegment.copy(one, JAVA_BYTE, 0, checked, 0, CRC);
    CRC32C crc = new CRC32C();
    crc.update(checked, 0, CRC);
    return (int) crc.getValue();
  }

  private static long position(int number) {
    return (long) number * RECORD_BYTES;
  }
}
