package io.wormhole.cache.ram;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The use of one place in a {@link SlabArena}, from taking to release. The place is used again, a
 * {@code Slot} never is. Whoever took it releases it, or hands that duty on to a {@link Chunk}.
 */
public final class Slot {
  /** The part of a slot that is all of its place. */
  static final int WHOLE = -1;

  private final SlabArena arena;
  private final int place;
  private final int part;
  private final MemorySegment memory;
  private final boolean overflow;
  private final AtomicBoolean released = new AtomicBoolean();

  /**
   * @param part which part of the place it is, or {@link #WHOLE}
   */
  Slot(SlabArena arena, int place, int part, MemorySegment memory, boolean overflow) {
    this.arena = arena;
    this.place = place;
    this.part = part;
    this.memory = memory;
    this.overflow = overflow;
  }

  /** As many bytes as were asked for, or more, page aligned, with whatever stood there before. */
  public MemorySegment memory() {
    return memory;
  }

  /**
   * Whether a chunk in this slot may stay in the cache: not one that was taken past the limit, nor
   * any once the arena is closed.
   */
  public boolean keepable() {
    return !overflow && !arena.isClosed();
  }

  /**
   * Gives the place back.
   *
   * @throws IllegalStateException if it was given back before
   */
  public void release() {
    if (!released.compareAndSet(false, true)) {
      throw new IllegalStateException("slot " + place + " was released twice");
    }
    arena.free(this);
  }

  /** Its chunk has one holder left: if that is the cache, a taker may have the slot. */
  void mayBeEvicted() {
    arena.slotMayBeHad();
  }

  int place() {
    return place;
  }

  int part() {
    return part;
  }

  boolean overflow() {
    return overflow;
  }
}
