package io.wormhole.daemon;

import java.util.function.LongSupplier;

/** How fast a counter that only grows is growing. */
final class Meter {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final LongSupplier counter;
  private long lastCount;
  private long lastNanos;
  private volatile double perSecond;

  /**
   * @param counter read on each tick
   */
  Meter(LongSupplier counter, long nowNanos) {
    this.counter = counter;
    this.lastCount = counter.getAsLong();
    this.lastNanos = nowNanos;
  }

  /** Measures since the last tick; called about once a second, by one thread at a time. */
  synchronized void tick(long nowNanos) {
    long elapsed = nowNanos - lastNanos;
    if (elapsed <= 0) {
      return;
    }
    long count = counter.getAsLong();
    perSecond = (double) (count - lastCount) * NANOS_PER_SECOND / elapsed;
    lastCount = count;
    lastNanos = nowNanos;
  }

  /** Growth a second, between the last two ticks. Any thread. */
  double perSecond() {
    return perSecond;
  }
}
