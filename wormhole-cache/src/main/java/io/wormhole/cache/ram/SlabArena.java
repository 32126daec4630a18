package io.wormhole.cache.ram;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Off-heap memory for chunks: slots of one size, cut from slabs of address space that are mapped on
 * demand.
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

  /** How many slots may be in use past the limit, for readers who find all the others held. */
  public static final int OVERFLOW_SLOTS = 16;

  static final int SLOTS_PER_SLAB = 64;

  /** What an arena holds, all in slots. */
  public record Usage(int limit, int used, int overflow, int touched) {}

  private final Arena owner = Arena.ofShared();
  private final Runnable slotMayBeHad;

  private final Object lock = new Object();
  private final List<MemorySegment> slabs = new ArrayList<>();
  private final Places touchedFree = new Places();
  private final Places untouchedFree = new Places();
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
   * @throws OutOfMemoryError if the system refuses address space
   */
  public @Nullable Slot take() {
    synchronized (lock) {
      if (closed || used >= limitSlots) {
        return null;
      }
      Slot slot = takeFree(false);
      used++;
      return slot;
    }
  }

  /** A slot past the limit, or null when all of those are in use, or the arena is closed. */
  public @Nullable Slot takeOverflow() {
    synchronized (lock) {
      if (closed || overflow >= OVERFLOW_SLOTS) {
        return null;
      }
      Slot slot = takeFree(true);
      overflow++;
      return slot;
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
    boolean drop;
    synchronized (lock) {
      drop = touched > limitSlots;
    }
    if (drop) {
      Pages.drop(slot.memory());
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

  private Slot takeFree(boolean pastLimit) {
    int place;
    if (!touchedFree.isEmpty()) {
      place = touchedFree.pop();
    } else {
      if (untouchedFree.isEmpty()) {
        addSlab();
      }
      place = untouchedFree.pop();
      touched++;
    }
    return new Slot(this, place, memoryOf(place), pastLimit);
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
