package io.wormhole.cache;

import io.wormhole.cache.ram.Chunk;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/** A claim to a chunk that is on its way; the flight counts it among its readers. */
final class ChunkInFlight implements PendingChunk {
  /**
   * How long a reader waits for a slot within the limit before it takes one past it. Readers hold
   * chunks for microseconds, so whoever waits longer waits for chunks on their way.
   */
  private static final long SLOT_PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final Flight flight;
  private final Flights flights;
  private final AtomicBoolean settled = new AtomicBoolean();

  /** For a reader that {@link Flight#join} has counted. */
  ChunkInFlight(Flight flight, Flights flights) {
    this.flight = flight;
    this.flights = flights;
  }

  @Override
  public boolean isDone() {
    return flight.hasEnded();
  }

  @Override
  public Chunk await(Duration atMost)
      throws ChunkException, TimeoutException, InterruptedException {
    awaitOrAbandon(flight::awaitEnd, atMost);
    if (!settled.compareAndSet(false, true)) {
      throw settledTwice();
    }
    return flight.granted();
  }

  @Override
  public void copy(int from, MemorySegment destination, Duration atMost)
      throws IOException, TimeoutException, InterruptedException {
    long endNanos = System.nanoTime() + TimeUnit.NANOSECONDS.convert(atMost);
    awaitOrAbandon(flight::awaitPart, atMost);
    if (flight.copyPart(from, destination)) {
      abandon();
      return;
    }
    if (!flight.hasEnded()) {
      flight.hurryLoad();
    }
    PendingChunk.super.copy(from, destination, Duration.ofNanos(endNanos - System.nanoTime()));
  }

  /** Waits for something of the flight. */
  @FunctionalInterface
  private interface Wait {
    boolean await(long atMostNanos) throws InterruptedException;
  }

  /** Gives the claim up if this throws. */
  private void awaitOrAbandon(Wait event, Duration atMost)
      throws TimeoutException, InterruptedException {
    if (settled.get()) {
      throw settledTwice();
    }
    boolean came;
    try {
      came = awaitWithSlot(event, TimeUnit.NANOSECONDS.convert(atMost));
    } catch (InterruptedException e) {
      abandon();
      throw e;
    }
    if (!came) {
      abandon();
      throw new TimeoutException(
          "%s has not come within %d ms".formatted(flight.key(), atMost.toMillis()));
    }
  }

  private static IllegalStateException settledTwice() {
    return new IllegalStateException("a claim to a chunk was settled twice");
  }

  @Override
  public void abandon() {
    if (settled.compareAndSet(false, true)) {
      flights.leave(flight);
    }
  }

  private boolean awaitWithSlot(Wait event, long atMostNanos) throws InterruptedException {
    if (!flight.isWaiting()) {
      return event.await(atMostNanos);
    }
    long patienceNanos = Math.min(SLOT_PATIENCE_NANOS, atMostNanos);
    if (event.await(patienceNanos)) {
      return true;
    }
    flights.hurry(flight);
    return event.await(atMostNanos - patienceNanos);
  }
}
