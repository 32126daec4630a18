package io.wormhole.cache.ram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.cache.ram.SlabArena.Usage;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SlabArenaTest {
  private static final int SLOT = SlabArena.SLOT_BYTES;

  private final AtomicInteger freed = new AtomicInteger();

  @Test
  void takesNoRamBeforeTheFirstSlotAndGivesItBackWhenTrimmed() {
    try (SlabArena arena = arena(100)) {
      assertThat(arena.usage()).isEqualTo(new Usage(100, 0, 0, 0));
      List<Slot> slots = takeAll(arena);
      assertThat(slots).hasSize(100);
      assertThat(arena.usage()).isEqualTo(new Usage(100, 100, 0, 100));
      slots.forEach(Slot::release);
      assertThat(arena.usage()).isEqualTo(new Usage(100, 0, 0, 100));
      arena.trim();
      assertThat(arena.usage()).isEqualTo(new Usage(100, 0, 0, 0));
    }
  }

  @Test
  void trimmedSlotsAreTheKernelsAgain() {
    try (SlabArena arena = arena(8)) {
      Slot slot = taken(arena);
      MemorySegment memory = slot.memory();
      memory.fill((byte) 7);
      slot.release();
      assertThat(memory.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
      arena.trim();
      assertThat(memory.get(ValueLayout.JAVA_BYTE, 0)).isZero();
      assertThat(memory.get(ValueLayout.JAVA_BYTE, SLOT - 1)).isZero();
    }
  }

  @Test
  void slotsInUseNeverOverlapAndArePageAligned() {
    try (SlabArena arena = arena(3 * SlabArena.SLOTS_PER_SLAB + 1)) {
      List<Slot> slots = takeAll(arena);
      Set<Long> addresses = new HashSet<>();
      for (Slot slot : slots) {
        assertThat(slot.memory().byteSize()).isEqualTo(SLOT);
        assertThat(slot.memory().address() % 4096).isZero();
        assertThat(addresses.add(slot.memory().address())).isTrue();
        slot.memory().set(ValueLayout.JAVA_INT, SLOT - Integer.BYTES, slot.place());
      }
      for (Slot slot : slots) {
        assertThat(slot.memory().get(ValueLayout.JAVA_INT, SLOT - Integer.BYTES))
            .isEqualTo(slot.place());
        slot.release();
      }
    }
  }

  @Test
  void eightSmallSlotsShareThePlaceOfALargeOne() {
    int small = SlabArena.SMALL_SLOT_BYTES;
    try (SlabArena arena = arena(2)) {
      Slot large = taken(arena);
      List<Slot> slots = new ArrayList<>();
      for (Slot slot = arena.take(small); slot != null; slot = arena.take(1)) {
        assertThat(slot.memory().byteSize()).isEqualTo(small);
        slot.memory().fill((byte) slots.size());
        slots.add(slot);
      }
      assertThat(slots).hasSize(SLOT / small);
      for (int i = 0; i < slots.size(); i++) {
        MemorySegment memory = slots.get(i).memory();
        assertThat(memory.address() % 4096).isZero();
        assertThat(memory.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) i);
        assertThat(memory.get(ValueLayout.JAVA_BYTE, small - 1)).isEqualTo((byte) i);
      }
      assertThat(arena.usage()).isEqualTo(new Usage(2, 2, 0, 2));
      slots.subList(1, 8).forEach(Slot::release);
      assertThat(freed).hasValue(7);
      assertThat(arena.take(small + 1)).isNull();
      Slot again = arena.take(small);
      assertThat(again).isNotNull();
      slots.getFirst().release();
      assertThat(arena.usage()).isEqualTo(new Usage(2, 2, 0, 2));
      again.release();
      assertThat(arena.usage()).isEqualTo(new Usage(2, 1, 0, 2));
      taken(arena).release();
      large.release();
      arena.trim();
      assertThat(arena.usage()).isEqualTo(new Usage(2, 0, 0, 0));
    }
  }

  @Test
  void closedArenaKeepsItsMemoryUntilTheLastSmallSlotIsBack() {
    SlabArena arena = arena(8);
    Slot first = arena.take(1);
    Slot second = arena.take(1);
    assertThat(first).isNotNull();
    assertThat(second).isNotNull();
    arena.close();
    first.release();
    assertThat(arena.isMapped()).isTrue();
    second.release();
    assertThat(arena.isMapped()).isFalse();
  }

  @Test
  void overflowIsBoundedAndItsRamGoesAtOnce() {
    try (SlabArena arena = arena(8)) {
      List<Slot> slots = takeAll(arena);
      List<Slot> past = new ArrayList<>();
      for (Slot slot = arena.takeOverflow(); slot != null; slot = arena.takeOverflow()) {
        assertThat(slot.keepable()).isFalse();
        past.add(slot);
      }
      assertThat(past).hasSize(SlabArena.OVERFLOW_SLOTS);
      assertThat(arena.usage())
          .isEqualTo(new Usage(8, 8, SlabArena.OVERFLOW_SLOTS, 8 + SlabArena.OVERFLOW_SLOTS));
      past.forEach(Slot::release);
      assertThat(arena.usage()).isEqualTo(new Usage(8, 8, 0, 8));
      assertThat(freed).hasValue(SlabArena.OVERFLOW_SLOTS);
      slots.forEach(Slot::release);
    }
  }

  @Test
  void smallerLimitIsReachedAsSlotsComeBack() {
    try (SlabArena arena = arena(20)) {
      List<Slot> slots = takeAll(arena);
      slots.subList(0, 5).forEach(Slot::release);
      arena.resize(10L * SLOT);
      assertThat(arena.usage()).isEqualTo(new Usage(10, 15, 0, 15));
      assertThat(arena.take(SLOT)).isNull();
      slots.subList(5, 12).forEach(Slot::release);
      assertThat(arena.usage()).isEqualTo(new Usage(10, 8, 0, 10));
      Slot slot = taken(arena);
      arena.resize(20L * SLOT);
      assertThat(takeAllAndRelease(arena)).isEqualTo(11);
      slot.release();
      slots.subList(12, 20).forEach(Slot::release);
    }
  }

  @Test
  void slotReleasedTwiceIsAFault() {
    try (SlabArena arena = arena(8)) {
      Slot slot = taken(arena);
      slot.release();
      assertThatThrownBy(slot::release).isInstanceOf(IllegalStateException.class);
      assertThat(arena.usage()).isEqualTo(new Usage(8, 0, 0, 1));
    }
  }

  @Test
  void closedArenaKeepsItsMemoryUntilTheLastSlotIsBack() {
    SlabArena arena = arena(8);
    Slot first = taken(arena);
    Slot second = taken(arena);
    assertThat(first.keepable()).isTrue();
    arena.close();
    assertThat(first.keepable()).isFalse();
    assertThat(arena.take(SLOT)).isNull();
    assertThat(arena.takeOverflow()).isNull();
    first.release();
    assertThat(arena.isMapped()).isTrue();
    MemorySegment memory = second.memory();
    memory.fill((byte) 1);
    second.release();
    assertThat(arena.isMapped()).isFalse();
    assertThatThrownBy(() -> memory.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    arena.close();
  }

  @Test
  void impossibleLimitsAreRefused() {
    assertThatThrownBy(() -> new SlabArena(-1, () -> {}))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new SlabArena(Long.MAX_VALUE, () -> {}))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private SlabArena arena(int slots) {
    return new SlabArena((long) slots * SLOT + SLOT - 1, freed::incrementAndGet);
  }

  private static Slot taken(SlabArena arena) {
    Slot slot = arena.take(SLOT);
    assertThat(slot).isNotNull();
    return slot;
  }

  private static List<Slot> takeAll(SlabArena arena) {
    List<Slot> slots = new ArrayList<>();
    for (Slot slot = arena.take(SLOT); slot != null; slot = arena.take(SLOT)) {
      slots.add(slot);
    }
    return slots;
  }

  private static int takeAllAndRelease(SlabArena arena) {
    List<Slot> slots = takeAll(arena);
    slots.forEach(Slot::release);
    return slots.size();
  }
}
