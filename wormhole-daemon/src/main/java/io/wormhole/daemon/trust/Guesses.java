package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.SourcePrefix;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * How often one code may be guessed at: {@value #AT_ONCE} times, {@value #AT_ONCE_PER_SOURCE} of
 * them from one source, then once a minute, and never more than {@value #WRONG_ALLOWED} times in
 * vain. A guess is taken before the peer learns anything, and given back if it was right.
 *
 * <p>Bounded by that itself: a source is forgotten once its guesses have come back, after three
 * minutes, and within these there are no more than thirteen guesses. Not thread-safe.
 */
final class Guesses {
  static final int AT_ONCE = 10;
  static final int AT_ONCE_PER_SOURCE = 3;
  static final int WRONG_ALLOWED = 100;
  static final Duration REFILL = Duration.ofMinutes(1);

  private final Bucket all = new Bucket(AT_ONCE);
  private final Map<SourcePrefix, Bucket> bySource = new HashMap<>();
  private int open;
  private int wrong;

  /**
   * Takes a guess; whether there was one to be had. It is {@link #right} or {@link #wrong} once.
   */
  boolean take(SourcePrefix source, Instant now) {
    all.refill(now);
    bySource
        .values()
        .removeIf(bucket -> {
          bucket.refill(now);
          return bucket.isFull();
        });
    Bucket own = bySource.get(source);
    if (all.isEmpty() || (own != null && own.isEmpty()) || open + wrong >= WRONG_ALLOWED) {
      return false;
    }
    if (own == null) {
      own = new Bucket(AT_ONCE_PER_SOURCE);
      bySource.put(source, own);
    }
    all.take(now);
    own.take(now);
    open++;
    return true;
  }

  /** A guess was right, or was none: it comes back. */
  void right(SourcePrefix source) {
    open--;
    all.giveBack();
    Bucket own = bySource.get(source);
    if (own != null) {
      own.giveBack();
      if (own.isFull()) {
        bySource.remove(source);
      }
    }
  }

  /** A guess was wrong, or was never finished; whether that was the last there will be. */
  boolean wrong() {
    open--;
    wrong++;
    return wrong == WRONG_ALLOWED;
  }

  /** Sources that are remembered, for a test of the bound. */
  int sources() {
    return bySource.size();
  }

  /** So many at once, then one each {@link #REFILL}. A clock that goes back refills nothing. */
  private static final class Bucket {
    private final int capacity;
    private int left;
    private Instant counted = Instant.EPOCH;

    Bucket(int capacity) {
      this.capacity = capacity;
      this.left = capacity;
    }

    boolean isEmpty() {
      return left == 0;
    }

    boolean isFull() {
      return left == capacity;
    }

    void refill(Instant now) {
      if (now.isBefore(counted)) {
        counted = now;
      }
      long due = Duration.between(counted, now).dividedBy(REFILL);
      counted = counted.plus(REFILL.multipliedBy(due));
      left = (int) Math.min(capacity, left + due);
    }

    void take(Instant now) {
      if (isFull()) {
        counted = now;
      }
      left--;
    }

    void giveBack() {
      left = Math.min(capacity, left + 1);
    }
  }
}
