package io.wormhole.cache.ram;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Off-heap memory for chunks: slots of 128 KiB, cut from slabs of address space that are mapped on
 * demand; and small ones of 16 KiB, eight of them in the place of a large one, which counts as one
 * slot in use until all eight are free.
 *
 * <p>A slot takes RAM from its first use until it is free and the arena is asked to {@link #trim},
 * or has more RAM than its limit. So an unused arena takes none, and a smaller limit is felt at
 * once. Slabs themselves cost only address space and stay mapped until the arena has been closed
 * and the last slot is back: closing a shared {@link Arena} stops every thread for a moment, and
 * this way it happens once in a life.
 *
 * <p>Slots in use never exceed the limit by more than {@link #OVERFLOW_SLOTS}, but for the moment
 * after the limit was lowered. RAM taken never exceeds the larger of the limit and the slots in use
 * by more than one slot a releasing thread.
 *
 * <p>Any thread may call. The lock is held for a few instructions, or for one {@code mmap} when a
 * slab is added.
 */
public final class SlabArena implements AutoCloseable {
  /** Bytes of a slot: one whole chunk. */
  public static final int SLOT_BYTES = 128 << 10;

  /** Bytes of a small slot, for what is no longer than that. */
  public static final int SMALL_SLOT_BYTES = 16 << 10;

  /** How many slots may be in use past the limit, for readers who find all the others held. */
  public static final int OVERFLOW_SLOTS = 16;

  static final int SLOTS_PER_SLAB = 64;
  private static final int PARTS = SLOT_BYTES / SMALL_SLOT_BYTES;
  private static final int ALL_PARTS = (1 << PARTS) - 1;

  /** What an arena holds, all in slots. */
  public record Usage(int limit, int used, int overflow, int touched) {}

  private final Arena owner = Arena.ofShared();
  private final Runnable slotMayBeHad;

  private final Object lock = new Object();
  private final List<MemorySegment> slabs = new ArrayList<>();
  private final Places touchedFree = new Places();
  private final Places untouchedFree = new Places();

  /** For each place that is cut into small slots, a bit for each of those in use. */
  private final Map<Integer, Integer> cut = new HashMap<>();

  /** Places that are cut, and in which a small slot is free. */
  private final BitSet roomy = new BitSet();

  private int limitSlots;
  private int used;
  private int overflow;
  private int touched;
  private int dropping;
  private volatile boolean closed;

  /**
   * @param limitBytes rounded down to whole slots
   * @param slotMayBeHad told, outside of any lock of the arena's, by the thread that released a
   *     slot or left its chunk to the cache alone; must not wait
   */
  public SlabArena(long limitBytes, Runnable slotMayBeHad) {
    this.limitSlots = slotsOf(limitBytes);
    this.slotMayBeHad = slotMayBeHad;
  }

  /**
   * A slot within the limit, or null when there is none, or the arena is closed.
   *
   * @param bytes that it is to hold, at most {@link #SLOT_BYTES}
   * @throws OutOfMemoryError if the system refuses address space
   */
  public @Nullable Slot take(int bytes) {
    synchronized (lock) {
      if (closed) {
        return null;
      }
      boolean small = isSmall(bytes);
      if (small && !roomy.isEmpty()) {
        return takePart(roomy.nextSetBit(0));
      }
      if (used >= limitSlots) {
        return null;
      }
      int place = takePlace();
      used++;
      if (!small) {
        return new Slot(this, place, Slot.WHOLE, memoryOf(place), false);
      }
      cut.put(place, 0);
      return takePart(place);
    }
  }

  private Slot takePart(int place) {
    int taken = Objects.requireNonNull(cut.get(place), "a place that is cut");
    int part = Integer.numberOfTrailingZeros(~taken);
    cut.put(place, taken | 1 << part);
    roomy.set(place, (taken | 1 << part) != ALL_PARTS);
    MemorySegment memory =
        memoryOf(place).asSlice((long) part * SMALL_SLOT_BYTES, SMALL_SLOT_BYTES);
    return new Slot(this, place, part, memory, false);
  }

  /** Whether so many bytes go into a small slot. */
  static boolean isSmall(int bytes) {
    return bytes <= SMALL_SLOT_BYTES;
  }

  /** A slot past the limit, or null when all of those are in use, or the arena is closed. */
  public @Nullable Slot takeOverflow() {
    synchronized (lock) {
      if (closed || overflow >= OVERFLOW_SLOTS) {
        return null;
      }
      int place = takePlace();
      overflow++;
      return new Slot(this, place, Slot.WHOLE, memoryOf(place), true);
    }
  }

  /** Sets another limit. Slots in use stay; RAM of free slots past the limit is given back. */
  public void resize(long limitBytes) {
    synchronized (lock) {
      limitSlots = slotsOf(limitBytes);
    }
    dropWhile(Need.PAST_LIMIT);
  }

  /** Gives back the RAM of all free slots. */
  public void trim() {
    dropWhile(Need.ANY);
  }

  public int limitSlots() {
    synchronized (lock) {
      return limitSlots;
    }
  }

  public Usage usage() {
    synchronized (lock) {
      return new Usage(limitSlots, used, overflow, touched);
    }
  }

  /** Refuses further slots; unmaps all when the last one is released. */
  @Override
  public void close() {
    boolean last;
    synchronized (lock) {
      if (closed) {
        return;
      }
      closed = true;
      last = isIdle();
    }
    if (last) {
      owner.close();
    }
  }

  /** Whether more slots are in use than a lowered limit allows. */
  boolean isPastLimit() {
    synchronized (lock) {
      return used > limitSlots;
    }
  }

  boolean isClosed() {
    return closed;
  }

  /** Whether the memory is still mapped. */
  boolean isMapped() {
    return owner.scope().isAlive();
  }

  void slotMayBeHad() {
    slotMayBeHad.run();
  }

  void free(Slot slot) {
    boolean whole;
    boolean drop;
    synchronized (lock) {
      whole = slot.part() == Slot.WHOLE || isLastPart(slot);
      drop = whole && touched > limitSlots;
    }
    if (!whole) {
      slotMayBeHad();
      return;
    }
    if (drop) {
      Pages.drop(memoryOf(slot.place()));
    }
    boolean last;
    synchronized (lock) {
      if (drop) {
        touched--;
      }
      (drop ? untouchedFree : touchedFree).push(slot.place());
      if (slot.overflow()) {
        overflow--;
      } else {
        used--;
      }
      last = closed && isIdle();
    }
    if (last) {
      owner.close();
    }
    slotMayBeHad();
  }

  private enum Need {
    PAST_LIMIT,
    ANY
  }

  private void dropWhile(Need need) {
    while (true) {
      int place;
      synchronized (lock) {
        boolean wanted = need == Need.ANY || touched > limitSlots;
        if (!wanted || closed || touchedFree.isEmpty()) {
          return;
        }
        place = touchedFree.pop();
        dropping++;
      }
      Pages.drop(memoryOf(place));
      boolean last;
      synchronized (lock) {
        touched--;
        dropping--;
        untouchedFree.push(place);
        last = closed && isIdle();
      }
      if (last) {
        owner.close();
      }
    }
  }

  private boolean isIdle() {
    return used + overflow + dropping == 0;
  }

  /** Frees a part of a place; whether all of that is free now, and no part will be taken of it. */
  private boolean isLastPart(Slot slot) {
    int left = Objects.requireNonNull(cut.get(slot.place())) & ~(1 << slot.part());
    if (left != 0) {
      cut.put(slot.place(), left);
      roomy.set(slot.place());
      return false;
    }
    cut.remove(slot.place());
    roomy.clear(slot.place());
    return true;
  }

  private int takePlace() {
    if (!touchedFree.isEmpty()) {
      return touchedFree.pop();
    }
    if (untouchedFree.isEmpty()) {
      addSlab();
    }
    touched++;
    return untouchedFree.pop();
  }

  private void addSlab() {
    slabs.add(Pages.map((long) SLOTS_PER_SLAB * SLOT_BYTES, owner));
    int first = (slabs.size() - 1) * SLOTS_PER_SLAB;
    for (int place = first + SLOTS_PER_SLAB - 1; place >= first; place--) {
      untouchedFree.push(place);
    }
  }

  private MemorySegment memoryOf(int place) {
    MemorySegment slab;
    synchronized (lock) {
      slab = slabs.get(place / SLOTS_PER_SLAB);
    }
    return slab.asSlice((long) (place % SLOTS_PER_SLAB) * SLOT_BYTES, SLOT_BYTES);
  }

  private static int slotsOf(long bytes) {
    if (bytes < 0 || bytes / SLOT_BYTES > Integer.MAX_VALUE / 2) {
      throw new IllegalArgumentException("a cache of " + bytes + " bytes of RAM");
    }
    return (int) (bytes / SLOT_BYTES);
  }

  /** A stack of slot numbers: the slot used last is the one whose lines are still in the CPU's. */
  private static final class Places {
    private int[] places = new int[SLOTS_PER_SLAB];
    private int size;

    boolean isEmpty() {
      return size == 0;
    }

    void push(int place) {
      if (size == places.length) {
        places = Arrays.copyOf(places, size * 2);
      }
      places[size++] = place;
    }

    int pop() {
      return places[--size];
    }
  }
}
