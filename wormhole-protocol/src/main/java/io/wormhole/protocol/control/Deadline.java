package io.wormhole.protocol.control;

import java.net.SocketTimeoutException;
import java.time.Duration;

/** A moment after which there is no more waiting. Any thread. */
public final class Deadline {
  private final Duration whole;
  private final long endNanos;

  private Deadline(Duration whole) {
    this.whole = whole;
    this.endNanos = System.nanoTime() + whole.toNanos();
  }

  /** The moment that is this far from now. */
  public static Deadline in(Duration fromNow) {
    return new Deadline(fromNow);
  }

  /** How long is left; zero once it has passed. */
  public Duration remaining() {
    return Duration.ofNanos(Math.max(0, endNanos - System.nanoTime()));
  }

  public boolean hasPassed() {
    return remaining().isZero();
  }

  /**
   * Fails once it has passed.
   *
   * @param meanwhile what did not happen, for the message
   * @throws SocketTimeoutException then
   */
  public void check(String meanwhile) throws SocketTimeoutException {
    if (hasPassed()) {
      throw new SocketTimeoutException(meanwhile + " in " + whole.toMillis() + " ms");
    }
  }
}
