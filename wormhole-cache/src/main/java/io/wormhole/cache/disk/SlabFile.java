package io.wormhole.cache.disk;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Optional;

/**
 * Slots of one size in a sparse file, and beside it the table of what they hold. A slot takes the
 * blocks its bytes need, however large it may be; a freed one takes none. Reads by any thread,
 * everything else by one at a time.
 */
final class SlabFile implements Closeable {
  private final int slotBytes;
  private final SparseFile slots;
  private final SlotTable table;
  private final BitSet taken = new BitSet();

  /** No slot below it is free. */
  private int lowestFree;

  private SlabFile(int slotBytes, SparseFile slots, SlotTable table) {
    this.slotBytes = slotBytes;
    this.slots = slots;
    this.table = table;
  }

  static SlabFile open(Path folder, String name, int slotBytes) throws IOException {
    SparseFile slots = SparseFile.open(folder.resolve(name + ".slab"));
    try {
      return new SlabFile(slotBytes, slots, SlotTable.open(folder.resolve(name + ".table")));
    } catch (IOException failed) {
      slots.close();
      throw failed;
    }
  }

  int slotBytes() {
    return slotBytes;
  }

  /**
   * Reads what a slot held when it was looked up; it may hold something else by now.
   *
   * @return false if there is less
   */
  boolean read(int slot, MemorySegment destination) throws IOException {
    return slots.read(position(slot), destination);
  }

  /** A slot that was free, and is not any more. */
  int take() {
    int slot = taken.nextClearBit(lowestFree);
    lowestFree = slot + 1;
    taken.set(slot);
    return slot;
  }

  /** One more than the highest slot that is taken. */
  int slots() {
    return taken.length();
  }

  /** Fills a slot that was taken: first its bytes, then the record that vouches for them. */
  void write(int slot, MemorySegment bytes, SlotTable.Held held) throws IOException {
    slots.write(position(slot), bytes);
    table.hold(slot, held);
  }

  /** Changes what is said of a slot. */
  void mark(int slot, SlotTable.Held held) throws IOException {
    table.hold(slot, held);
  }

  /**
   * Frees a slot: first its record, then its blocks. It may be taken again even if the disk
   * refuses: what it holds is checked when it is read.
   */
  void free(int slot) throws IOException {
    taken.clear(slot);
    lowestFree = Math.min(lowestFree, slot);
    table.free(slot);
    slots.free(position(slot), slotBytes);
  }

  /** What the table says of a slot. */
  Optional<SlotTable.Held> held(int slot) throws IOException {
    return table.held(slot);
  }

  /** As {@link SlotTable#readAll}; what is told of is taken from then on, all else is free. */
  void readAll(SlotTable.Reader reader) throws IOException {
    forgetTaken();
    var _ =
        table.readAll((slot, held) -> {
          taken.set(slot);
          reader.held(slot, held);
        });
  }

  long allocatedBytes() throws IOException {
    return slots.allocatedBytes() + table.allocatedBytes();
  }

  /** Makes the table outlive a power cut; bytes are checked when they are read. */
  void force() throws IOException {
    table.force();
  }

  void clear() throws IOException {
    forgetTaken();
    table.clear();
    slots.clear();
  }

  @Override
  public void close() throws IOException {
    try (slots) {
      table.close();
    }
  }

  private void forgetTaken() {
    taken.clear();
    lowestFree = 0;
  }

  private long position(int slot) {
    return (long) slot * slotBytes;
  }
}
