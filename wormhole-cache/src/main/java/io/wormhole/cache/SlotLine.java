package io.wormhole.cache;

import io.wormhole.cache.ram.RamTier;
import io.wormhole.cache.ram.Slot;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Flights that found no memory, first come first served. One whose reader's patience is over may
 * take a slot past the limit ahead of the others.
 */
final class SlotLine {
  /** Flights that may wait; each has a reader with a deadline. */
  static final int WAITING_FLIGHTS = 1024;

  /** A flight, and the slot it got. */
  record Served(Flight flight, Slot slot) {}

  private final RamTier<ChunkKey> memory;
  private final ArrayDeque<Flight> waiting = new ArrayDeque<>();
  private volatile boolean empty = true;

  SlotLine(RamTier<ChunkKey> memory) {
    this.memory = memory;
  }

  boolean isEmpty() {
    return empty;
  }

  /**
   * A slot at once, or null: then the flight stands in the line, and the caller must look for who
   * is {@link #next}, for a slot may have become free in between.
   */
  @Nullable Slot takeOrWait(Flight flight) throws CacheBusyException {
    Slot slot = empty ? memory.take(flight.loader().mostBytes()) : null;
    if (slot != null) {
      return slot;
    }
    synchronized (this) {
      if (waiting.size() == WAITING_FLIGHTS) {
        throw new CacheBusyException(flight.key());
      }
      waiting.addLast(flight);
      empty = false;
    }
    return null;
  }

  /** Lets a flight, if it still stands in the line, have a slot past the limit. */
  synchronized void hurry(Flight flight) {
    flight.hurried();
  }

  /** Who is next, with the slot there is for it; null if there is none, or nobody. */
  synchronized @Nullable Served next() {
    Flight first = waiting.peekFirst();
    if (first == null) {
      return null;
    }
    Slot slot = memory.take(first.loader().mostBytes());
    if (slot == null) {
      return nextHurried();
    }
    waiting.removeFirst();
    empty = waiting.isEmpty();
    return new Served(first, slot);
  }

  private @Nullable Served nextHurried() {
    for (Iterator<Flight> flights = waiting.iterator(); flights.hasNext(); ) {
      Flight flight = flights.next();
      if (flight.isHurried()) {
        Slot slot = memory.takeOverflow();
        if (slot == null) {
          return null;
        }
        flights.remove();
        empty = waiting.isEmpty();
        return new Served(flight, slot);
      }
    }
    return null;
  }

  /** A flight that needs no slot any more. */
  synchronized void leave(Flight flight) {
    waiting.remove(flight);
    empty = waiting.isEmpty();
  }

  /** Empties the line. */
  synchronized List<Flight> leaveAll() {
    List<Flight> all = List.copyOf(waiting);
    waiting.clear();
    empty = true;
    return all;
  }
}
