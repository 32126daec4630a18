package io.wormhole.daemon.transport;

/**
 * How many bytes of read-ahead are worth having in flight: twice what the path holds, by the rate
 * at which answers have come of late and the shortest time that one took. More than that would only
 * queue in front of what a reader asks for next. Policy only, without a clock; on a lane's event
 * loop.
 */
final class PathWindow {
  /** Until answers tell more, and never much less: one reader's jump costs so much at the most. */
  private static final long FIRST_BYTES = 1 << 20;

  private static final long LEAST_BYTES = 512 << 10;

  /** Nobody notices a wait that is shorter, while a machine that is busy needs the work. */
  private static final long UNNOTICED_NANOS = 10_000_000;

  /** How long a rate, or a time, is remembered at least, and not twice as long. */
  private static final long RATE_NANOS = 2_000_000_000L;

  private static final long TIME_NANOS = 10_000_000_000L;

  private final Extreme bytesPerSecond = new Extreme(RATE_NANOS);

  /** Negative, so that the largest is the shortest. */
  private final Extreme tookNanos = new Extreme(TIME_NANOS);

  private long arrivedBytes;

  /** What had arrived when a request was sent, and when that was. */
  record Mark(long arrivedBytes, long nanos) {}

  Mark mark(long nowNanos) {
    return new Mark(arrivedBytes, nowNanos);
  }

  /** All bytes of an answer have come. */
  void arrived(Mark sent, int bytes, long nowNanos) {
    arrivedBytes += bytes;
    long took = Math.max(1, nowNanos - sent.nanos());
    bytesPerSecond.see((arrivedBytes - sent.arrivedBytes()) * 1e9 / took, nowNanos);
    tookNanos.see((double) -took, nowNanos);
  }

  long worthwhileBytes() {
    if (arrivedBytes < FIRST_BYTES) {
      return FIRST_BYTES;
    }
    double nanos = Math.max(-tookNanos.most(), UNNOTICED_NANOS);
    return Math.max(LEAST_BYTES, (long) (2 * bytesPerSecond.most() * nanos / 1e9));
  }

  /** The largest of what was seen in the last one to two spans in which anything was. */
  private static final class Extreme {
    private final long spanNanos;
    private double now = Double.NEGATIVE_INFINITY;
    private double before = Double.NEGATIVE_INFINITY;
    private long sinceNanos;

    Extreme(long spanNanos) {
      this.spanNanos = spanNanos;
    }

    void see(double value, long nowNanos) {
      if (now == Double.NEGATIVE_INFINITY) {
        sinceNanos = nowNanos;
      } else if (nowNanos - sinceNanos >= spanNanos) {
        before = now;
        now = Double.NEGATIVE_INFINITY;
        sinceNanos = nowNanos;
      }
      now = Math.max(now, value);
    }

    double most() {
      return Math.max(now, before);
    }
  }
}
