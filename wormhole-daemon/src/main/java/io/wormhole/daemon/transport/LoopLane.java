package io.wormhole.daemon.transport;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;

/** What this package knows of every lane it makes: the event loop behind it. */
interface LoopLane extends Lane {
  /**
   * Runs {@code action} on the event loop, after what it is doing now.
   *
   * @throws RejectedExecutionException if the loop is gone, and the lane long before
   */
  void execute(Runnable action);

  /**
   * Runs {@code action} on the event loop once {@code delay} has passed.
   *
   * @throws RejectedExecutionException if the loop is gone, and the lane long before
   */
  void after(Duration delay, Runnable action);

  /** How long a quiet lane is left without a ping. */
  Duration keepAlive();
}
