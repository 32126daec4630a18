package io.wormhole.cache;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.wormhole.protocol.hash.ChunkHash;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/** A loader whose loads end when the test says so, oldest of a key first. */
final class HeldLoads implements ChunkLoader {
  /** A load that has not ended. */
  static final class Held implements PendingLoad {
    private final ChunkKey key;
    private final MemorySegment destination;
    private final Optional<ChunkHash> known;
    private final CompletableFuture<Arrival> arrival = new CompletableFuture<>();
    private final CompletableFuture<Part> part = new CompletableFuture<>();
    private volatile boolean cancelled;
    private volatile boolean hurried;

    Held(ChunkKey key, MemorySegment destination, Optional<ChunkHash> known) {
      this.key = key;
      this.destination = destination;
      this.known = known;
    }

    @Override
    public CompletableFuture<Arrival> arrival() {
      return arrival;
    }

    @Override
    public void onPart(Consumer<Part> told) {
      var _ = part.thenAccept(told);
    }

    @Override
    public void hurry() {
      hurried = true;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }

    boolean isHurried() {
      return hurried;
    }

    /** A part comes before the rest. */
    void partComes(Part what) {
      part.complete(what);
    }

    boolean isCancelled() {
      return cancelled;
    }

    /** What the chunk may be. */
    Optional<ChunkHash> known() {
      return known;
    }

    MemorySegment destination() {
      return destination;
    }

    void succeed(int length) {
      arrival.complete(TestBytes.fill(key, destination, length));
    }

    void succeedWith(Arrival what) {
      arrival.complete(what);
    }

    void fail(Throwable why) {
      arrival.completeExceptionally(why);
    }
  }

  private final Map<ChunkKey, ArrayDeque<Held>> loads = new HashMap<>();
  private final Semaphore begun = new Semaphore(0);

  @Override
  public PendingLoad load(ChunkKey key, MemorySegment destination) {
    return begun(new Held(key, destination, Optional.empty()));
  }

  @Override
  public PendingLoad load(ChunkKey key, ChunkHash known, MemorySegment destination) {
    return begun(new Held(key, destination, Optional.of(known)));
  }

  private Held begun(Held held) {
    synchronized (this) {
      loads.computeIfAbsent(held.key, _ -> new ArrayDeque<>()).add(held);
    }
    begun.release();
    return held;
  }

  /** The oldest load of a key that was not taken yet. */
  synchronized Held take(ChunkKey key) {
    ArrayDeque<Held> held = loads.get(key);
    if (held == null || held.isEmpty()) {
      throw new AssertionError("no load of " + key);
    }
    return held.removeFirst();
  }

  synchronized boolean has(ChunkKey key) {
    ArrayDeque<Held> held = loads.get(key);
    return held != null && !held.isEmpty();
  }

  /** Waits until so many loads more have begun. */
  void awaitBegun(int count) throws InterruptedException {
    if (!begun.tryAcquire(count, 10, SECONDS)) {
      throw new AssertionError("loads begun: " + begun.availablePermits() + " of " + count);
    }
  }
}
