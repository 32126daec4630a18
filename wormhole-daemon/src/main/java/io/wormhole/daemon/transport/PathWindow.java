package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.Limits;

/**
 * How many bytes of read-ahead are worth having in flight: what the path holds, by the rate at
 * which answers have come of late and the shortest time that one took. More than that would only
 * queue in front of what a reader asks for next.
 *
 * <p>What is in flight also bounds the rate that is seen. So two rounds of eight ask for a quarter
 * more, whether more comes, and the next for as much less, so that what has queued leaves; and as
 * long as the rate grows, twice as much is asked for. A round is the time that an answer takes.
 *
 * <p>Policy only, without a clock; on a lane's event loop.
 */
final class PathWindow {
  /** Until answers tell more: one reader's jump costs so much at the most. */
  private static final long FIRST_BYTES = 1 << 20;

  /** Two chunks: while the one comes the other is asked for. */
  private static final long LEAST_BYTES = 2L * Limits.CHUNK_BYTES;

  /** Only whole chunks are asked for: half of one would be missing on average. */
  private static final long ROUNDING_BYTES = Limits.CHUNK_BYTES / 2;

  /** Nobody notices a wait that is shorter, while a machine that is busy needs the work. */
  private static final long UNNOTICED_NANOS = 20_000_000;

  /** How long a rate, or a time, is remembered at least, and not twice as long. */
  private static final long REMEMBERED_NANOS = 10_000_000_000L;

  private static final int ROUNDS = 8;
  private static final double PROBING = 1.25;
  private static final double DRAINING = 0.75;
  private static final double GROWING = 2;

  /** A rate that is so much larger than a round before has grown, */
  private static final double GROWTH = 1.15;

  /** and may grow on for so many rounds. */
  private static final int GROWING_ROUNDS = 3;

  private final Extreme bytesPerSecond = new Extreme(REMEMBERED_NANOS);

  /** Negative, so that the largest is the shortest. */
  private final Extreme tookNanos = new Extreme(REMEMBERED_NANOS);

  /** The same of whole chunks, which are what is read ahead: a small answer is there sooner. */
  private final Extreme chunkTookNanos = new Extreme(REMEMBERED_NANOS);

  private long arrivedBytes;
  private long arrivedNanos;

  /** When the request of the answer was sent that has come last. */
  private long arrivedSentNanos;

  private boolean begun;
  private long round;
  private long roundSinceNanos;
  private double rateBefore;
  private int growingRounds = GROWING_ROUNDS;

  /**
   * What had arrived when a request was sent, and when; when that arrived, and when it was sent
   * for.
   */
  record Mark(long arrivedBytes, long nanos, long arrivedNanos, long arrivedSentNanos) {}

  /**
   * A request is sent.
   *
   * @param alone whether nothing else is in flight
   */
  Mark mark(long nowNanos, boolean alone) {
    if (alone) {
      arrivedNanos = nowNanos;
      arrivedSentNanos = nowNanos;
    }
    return new Mark(arrivedBytes, nowNanos, arrivedNanos, arrivedSentNanos);
  }

  /** All bytes of an answer have come. */
  void arrived(Mark sent, int bytes, long nowNanos) {
    arrivedBytes += bytes;
    arrivedNanos = nowNanos;
    arrivedSentNanos = sent.nanos();
    // What was held up and comes at once comes no faster than it was asked for.
    long within = Math.max(nowNanos - sent.arrivedNanos(), sent.nanos() - sent.arrivedSentNanos());
    bytesPerSecond.see((arrivedBytes - sent.arrivedBytes()) * 1e9 / Math.max(1, within), nowNanos);
    double took = Math.max(1, nowNanos - sent.nanos());
    (bytes >= Limits.CHUNK_BYTES ? chunkTookNanos : tookNanos).see(-took, nowNanos);
    if (!begun) {
      begun = true;
      roundSinceNanos = nowNanos;
    } else if (nowNanos - roundSinceNanos >= roundNanos()) {
      roundSinceNanos = nowNanos;
      nextRound();
    }
  }

  private void nextRound() {
    double rate = bytesPerSecond.most();
    growingRounds = rate >= GROWTH * rateBefore ? GROWING_ROUNDS : Math.max(0, growingRounds - 1);
    rateBefore = rate;
    round++;
  }

  private double roundNanos() {
    double took = -(chunkTookNanos.isSeen() ? chunkTookNanos : tookNanos).most();
    return Math.max(took, UNNOTICED_NANOS);
  }

  long worthwhileBytes() {
    if (arrivedBytes < FIRST_BYTES) {
      return FIRST_BYTES;
    }
    long holds = (long) (share() * bytesPerSecond.most() * roundNanos() / 1e9);
    return Math.max(LEAST_BYTES, holds + ROUNDING_BYTES);
  }

  /** Of what the path holds. */
  private double share() {
    if (growingRounds > 0) {
      return GROWING;
    }
    return switch ((int) (round % ROUNDS)) {
      case 0, 1 -> PROBING;
      case 2 -> DRAINING;
      default -> 1;
    };
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

    boolean isSeen() {
      return most() > Double.NEGATIVE_INFINITY;
    }
  }
}
