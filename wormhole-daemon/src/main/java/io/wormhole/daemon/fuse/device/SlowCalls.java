package io.wormhole.daemon.fuse.device;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Which calls are likely to wait: those of a kind of which one has waited a moment ago. Reads are
 * one kind, as they wait for bytes; all others are the other. Any thread.
 */
final class SlowCalls {
  /** From here on a call has waited; another thread costs a hundredth of it. */
  static final long WAITED_NANOS = TimeUnit.MICROSECONDS.toNanos(500);

  static final long MOMENT_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final LongSupplier nanoTime;
  private volatile long readsUntil;
  private volatile long othersUntil;

  SlowCalls(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.readsUntil = nanoTime.getAsLong();
    this.othersUntil = readsUntil;
  }

  long now() {
    return nanoTime.getAsLong();
  }

  boolean isLikely(Request.Waiting request, long nowNanos) {
    return (request instanceof Request.Read ? readsUntil : othersUntil) - nowNanos > 0;
  }

  /** A call has begun then and is over. */
  void ended(Request.Waiting request, long begunNanos) {
    long now = now();
    if (now - begunNanos < WAITED_NANOS) {
      return;
    }
    if (request instanceof Request.Read) {
      readsUntil = now + MOMENT_NANOS;
    } else {
      othersUntil = now + MOMENT_NANOS;
    }
  }
}
