package io.wormhole.daemon.fuse.mounts;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says what went wrong where only the kernel would hear of it: at most one line in ten seconds,
 * with the number of those left out. Any thread may call.
 */
public final class FaultLog {
  private static final Logger log = LoggerFactory.getLogger(FaultLog.class);
  private static final long INTERVAL_NANOS = 10_000_000_000L;

  private final LongSupplier nanoTime;
  private final AtomicLong nextLineNanos;
  private final AtomicLong leftOut = new AtomicLong();

  /**
   * @param nanoTime a clock that only goes forward, like {@link System#nanoTime}
   */
  public FaultLog(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.nextLineNanos = new AtomicLong(nanoTime.getAsLong());
  }

  /** Reports a fault; whether a line was written. */
  public boolean report(String what, Throwable fault) {
    return write(what + " (" + fault + ")", fault);
  }

  /** Reports what has no cause of its own; whether a line was written. */
  public boolean report(String what) {
    return write(what, null);
  }

  private boolean write(String what, @Nullable Throwable fault) {
    long now = nanoTime.getAsLong();
    long next = nextLineNanos.get();
    if (now - next < 0 || !nextLineNanos.compareAndSet(next, now + INTERVAL_NANOS)) {
      leftOut.incrementAndGet();
      return false;
    }
    long before = leftOut.getAndSet(0);
    String line = before == 0 ? what : what + "; " + before + " faults before it were not logged";
    log.error(line, fault);
    return true;
  }
}
