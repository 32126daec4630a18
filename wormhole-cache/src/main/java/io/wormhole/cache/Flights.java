package io.wormhole.cache;

import io.wormhole.cache.SlotLine.Served;
import io.wormhole.cache.ram.Chunk;
import io.wormhole.cache.ram.RamTier;
import io.wormhole.cache.ram.Slot;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Chunks on their way into L1, at most one flight a key: from the wish, over a slot, a load and the
 * check of its hash, to a place in the tier and in the hands of those who wait.
 *
 * <p>A flight that lands is first listed in the tier, then taken off the map, then ended. So
 * whoever has made a new flight looks into the tier once more, and whoever meets an ended one need
 * only try again.
 */
final class Flights {
  private final RamTier<ChunkKey> tier;
  private final SlotLine line;
  private final Blake3 blake3;
  private final Executor verifying;
  private final ConcurrentHashMap<ChunkKey, Flight> flights = new ConcurrentHashMap<>();
  private final AtomicInteger readAheadFlights = new AtomicInteger();
  private final AtomicBoolean serviceDue = new AtomicBoolean();
  private final LongAdder loads = new LongAdder();
  private final LongAdder fetched = new LongAdder();
  private final LongAdder rejected = new LongAdder();
  private final LongAdder bypasses = new LongAdder();
  private volatile @Nullable DiskSide disk;
  private volatile boolean closed;

  /**
   * @param limitBytes of the tier that is made here, see {@link #tier}
   * @param verifying runs what hashes; its queue holds at most one task a slot and one to hand out
   *     slots that have become free
   */
  Flights(long limitBytes, Blake3 blake3, Executor verifying) {
    this.tier = new RamTier<>(limitBytes, this::slotMayBeHad);
    this.line = new SlotLine(tier);
    this.blake3 = blake3;
    this.verifying = verifying;
  }

  /** A disk is asked before a loader from now on, and given what a loader has brought. */
  void attach(DiskSide side) {
    disk = side;
  }

  RamTier<ChunkKey> tier() {
    return tier;
  }

  /** A claim to a chunk that was not in the tier a moment ago. */
  PendingChunk claim(ChunkKey key, ChunkLoader loader) {
    while (true) {
      Flight underWay = flights.get(key);
      if (underWay == null) {
        Flight fresh = new Flight(key, loader, false);
        fresh.join();
        underWay = flights.putIfAbsent(key, fresh);
        if (underWay == null) {
          depart(fresh);
          return new ChunkInFlight(fresh, this);
        }
      }
      if (underWay.join()) {
        return new ChunkInFlight(underWay, this);
      }
      flights.remove(key, underWay);
      Chunk landed = tier.get(key);
      if (landed != null) {
        return new ReadyChunk(landed);
      }
    }
  }

  /** Begins a flight nobody waits for; false if its share of the slots is used up. */
  boolean readAhead(ChunkKey key, ChunkLoader loader) {
    if (flights.containsKey(key) || tier.contains(key)) {
      return true;
    }
    if (closed || !takeReadAheadTurn()) {
      return false;
    }
    // A reader who waits for memory goes first.
    Slot slot = line.isEmpty() ? tier.take(loader.mostBytes()) : null;
    if (slot == null) {
      readAheadFlights.decrementAndGet();
      return false;
    }
    Flight fresh = new Flight(key, loader, true);
    if (flights.putIfAbsent(key, fresh) != null) {
      giveBack(fresh, slot);
      return true;
    }
    if (!landIfListed(fresh)) {
      begin(fresh, slot);
    } else {
      giveBack(fresh, slot);
    }
    return true;
  }

  boolean isUnderWay(ChunkKey key) {
    return flights.containsKey(key);
  }

  boolean cancelIfUnwanted(ChunkKey key) {
    Flight flight = flights.get(key);
    return flight != null && cancelIfUnwanted(flight);
  }

  /** Chunks of such files are not kept, nor loaded if nobody waits for them. */
  void forget(Predicate<FileVersion> old) {
    for (Flight flight : flights.values()) {
      if (old.test(flight.key().file())) {
        flight.doNotKeep();
        cancelIfUnwanted(flight);
      }
    }
  }

  /** One reader gives up. */
  void leave(Flight flight) {
    Chunk granted = flight.leave();
    if (granted != null) {
      granted.release();
    } else if (flight.endIfForgotten()) {
      line.leave(flight);
      flights.remove(flight.key(), flight);
    } else if (flight.isLeftWithPart() && !mayGoOnAlone(flight)) {
      cancelIfUnwanted(flight);
    }
  }

  /**
   * Whether a rest that nobody waits for is worth having, and among as many such as there may be.
   */
  private boolean mayGoOnAlone(Flight flight) {
    if (!flight.isKept()) {
      return false;
    }
    if (!takeReadAheadTurn()) {
      return flight.hasTurn();
    }
    if (!flight.takeTurn()) {
      readAheadFlights.decrementAndGet();
    }
    return true;
  }

  /** A reader has waited long enough for a slot within the limit. */
  void hurry(Flight flight) {
    line.hurry(flight);
    serveLine();
  }

  /** Fails all that is under way; slots come back as the loads end. */
  void close() {
    closed = true;
    for (Flight flight : flights.values()) {
      end(flight, new CacheClosedException(flight.key()));
      flight.cancelLoad();
    }
    line.leaveAll();
  }

  long loads() {
    return loads.sum();
  }

  long fetched() {
    return fetched.sum();
  }

  long rejected() {
    return rejected.sum();
  }

  long bypasses() {
    return bypasses.sum();
  }

  private void depart(Flight flight) {
    if (landIfListed(flight)) {
      return;
    }
    try {
      if (closed) {
        throw new CacheClosedException(flight.key());
      }
      Slot slot = line.takeOrWait(flight);
      if (slot != null) {
        begin(flight, slot);
      } else {
        serveLine();
      }
    } catch (ChunkException | OutOfMemoryError e) {
      end(flight, e);
    }
  }

  private boolean landIfListed(Flight flight) {
    Chunk listed = tier.get(flight.key());
    if (listed == null) {
      return false;
    }
    flights.remove(flight.key(), flight);
    flight.land(listed);
    return true;
  }

  private void begin(Flight flight, Slot slot) {
    if (!flight.begin()) {
      giveBack(flight, slot);
      return;
    }
    loads.increment();
    if (!slot.keepable()) {
      flight.doNotKeep();
      bypasses.increment();
    }
    PendingLoad load;
    try {
      DiskSide before = disk;
      ChunkLoader loader = before == null ? flight.loader() : before.before(flight.loader());
      load = loader.load(flight.key(), slot.memory());
    } catch (RuntimeException e) {
      giveBack(flight, slot);
      end(flight, e);
      return;
    }
    flight.attach(load);
    load.onPart(part -> handOver(flight, slot, load, part));
    var _ =
        load.arrival()
            .whenComplete((arrival, failure) -> handOver(flight, slot, load, arrival, failure));
  }

  /** Leaves the loader's thread, which may be an event loop. */
  private void handOver(
      Flight flight,
      Slot slot,
      PendingLoad load,
      @Nullable Arrival arrival,
      @Nullable Throwable failure) {
    Runnable last =
        () -> {
          if (arrival != null) {
            arrived(flight, slot, load, arrival);
          } else {
            fail(flight, slot, causeOf(failure));
          }
        };
    if (flight.putOff(last)) {
      return;
    }
    try {
      verifying.execute(last);
    } catch (RejectedExecutionException e) {
      fail(flight, slot, e);
    }
  }

  /** As above, for what has come before the rest. */
  private void handOver(Flight flight, Slot slot, PendingLoad load, Part part) {
    flight.checkPart();
    try {
      verifying.execute(() -> partArrived(flight, slot, load, part));
    } catch (RuntimeException | Error notNow) {
      // With the rest it is looked at again.
      flight.partChecked(part.offset(), null);
    }
  }

  private void partArrived(Flight flight, Slot slot, PendingLoad load, Part part) {
    MemorySegment verified = null;
    try {
      verified = check(flight.key(), slot, part.offset(), part.arrival());
    } catch (CorruptChunkException | RuntimeException e) {
      // Its end is put off until this is over.
      load.cancel();
      end(flight, e);
    } finally {
      flight.partChecked(part.offset(), verified);
    }
  }

  /** Whoever learns of the failure finds the slot free, and nobody copies from it any more. */
  private void fail(Flight flight, Slot slot, Throwable why) {
    flight.withdrawPart();
    giveBack(flight, slot);
    end(flight, why);
  }

  private void arrived(Flight flight, Slot slot, PendingLoad load, Arrival arrival) {
    if (!flight.arrived()) {
      giveBack(flight, slot);
      return;
    }
    ChunkHash hash;
    try {
      if (DiskSide.hasChecked(load)) {
        hash = ChunkHash.of(arrival.hash());
      } else {
        hash = check(flight.key(), slot, arrival);
        fetched.increment();
      }
    } catch (CorruptChunkException | RuntimeException e) {
      fail(flight, slot, e);
      return;
    }
    Chunk chunk = new Chunk(slot, arrival.length(), hash, arrival.young());
    DiskSide behind = disk;
    if (behind != null && !DiskSide.hasKept(load) && isKept(flight, slot)) {
      behind.offer(flight.key(), chunk, tier.readAheadSlots());
    }
    publish(flight, slot, chunk);
  }

  private ChunkHash check(ChunkKey key, Slot slot, Arrival arrival) throws CorruptChunkException {
    if (arrival.parts().isEmpty()) {
      MemorySegment _ = check(key, slot, 0, arrival);
      return ChunkHash.of(arrival.hash());
    }
    // What was found right before is looked at again: it is little, and this way all is.
    for (Part part : arrival.parts()) {
      MemorySegment _ = check(key, slot, part.offset(), part.arrival());
    }
    return blake3.hash(slot.memory().asSlice(0, arrival.length())).hash();
  }

  private MemorySegment check(ChunkKey key, Slot slot, int offset, Arrival arrival)
      throws CorruptChunkException {
    if (arrival.length() < 0 || offset + arrival.length() > slot.memory().byteSize()) {
      throw new IllegalArgumentException(
          "a chunk of %d bytes from %d on".formatted(arrival.length(), offset));
    }
    MemorySegment bytes = slot.memory().asSlice(offset, arrival.length());
    if (!blake3.verify(bytes, arrival.hash(), arrival.chainingValues()).isIntact()) {
      rejected.increment();
      throw new CorruptChunkException(key);
    }
    return bytes;
  }

  private void publish(Flight flight, Slot slot, Chunk chunk) {
    ChunkKey key = flight.key();
    if (isKept(flight, slot) && chunk.retain()) {
      tier.put(key, chunk, !flight.wasAskedFor());
      // Forgetting marks the flights first and clears the tier then: one of the two is seen.
      if (!isKept(flight, slot)) {
        tier.remove(key);
      }
    }
    flights.remove(key, flight);
    readAheadEnded(flight);
    flight.land(chunk);
  }

  private static boolean isKept(Flight flight, Slot slot) {
    return flight.isKept() && slot.keepable();
  }

  private boolean cancelIfUnwanted(Flight flight) {
    if (!flight.endIfUnwanted()) {
      return false;
    }
    flights.remove(flight.key(), flight);
    flight.cancelLoad();
    return true;
  }

  private void end(Flight flight, Throwable why) {
    flights.remove(flight.key(), flight);
    flight.fail(why);
  }

  private void giveBack(Flight flight, Slot slot) {
    readAheadEnded(flight);
    slot.release();
  }

  private boolean takeReadAheadTurn() {
    if (readAheadFlights.incrementAndGet() <= tier.readAheadSlots()) {
      return true;
    }
    readAheadFlights.decrementAndGet();
    return false;
  }

  private void readAheadEnded(Flight flight) {
    if (flight.endTurn()) {
      readAheadFlights.decrementAndGet();
    }
  }

  /** Told under locks of others: what follows is another thread's work. */
  private void slotMayBeHad() {
    if (line.isEmpty() || !serviceDue.compareAndSet(false, true)) {
      return;
    }
    try {
      verifying.execute(() -> {
        serviceDue.set(false);
        serveLine();
      });
    } catch (RejectedExecutionException e) {
      for (Flight flight : line.leaveAll()) {
        end(flight, e);
      }
    }
  }

  private void serveLine() {
    for (Served served = line.next(); served != null; served = line.next()) {
      begin(served.flight(), served.slot());
    }
  }

  private static Throwable causeOf(@Nullable Throwable failure) {
    if (failure instanceof CompletionException && failure.getCause() != null) {
      return failure.getCause();
    }
    return failure != null ? failure : new IllegalStateException("a load ended with nothing");
  }
}
