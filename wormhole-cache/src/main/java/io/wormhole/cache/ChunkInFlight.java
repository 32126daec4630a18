package io.wormhole.cache;

import io.wormhole.cache.ram.Chunk;
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
    if (settled.get()) {
      throw new IllegalStateException("a claim to a chunk was settled twice");
    }
    boolean ended;
    try {
      ended = awaitEnd(TimeUnit.NANOSECONDS.convert(atMost));
    } catch (InterruptedException e) {
      abandon();
      throw e;
    }
    if (!ended) {
      abandon();
      throw new TimeoutException(
          "%s has not come within %d ms".formatted(flight.key(), atMost.toMillis()));
    }
    if (!settled.compareAndSet(false, true)) {
      throw new IllegalStateException("a claim to a chunk was settled twice");
    }
    return flight.granted();
  }

  @Override
  public void abandon() {
    if (settled.compareAndSet(false, true)) {
      flights.leave(flight);
    }
  }

  private boolean awaitEnd(long atMostNanos) throws InterruptedException {
    if (!flight.isWaiting()) {
      return flight.awaitEnd(atMostNanos);
    }
    long patienceNanos = Math.min(SLOT_PATIENCE_NANOS, atMostNanos);
    if (flight.awaitEnd(patienceNanos)) {
      return true;
    }
    flights.hurry(flight);
    return flight.awaitEnd(atMostNanos - patienceNanos);
  }
}
