package io.wormhole.daemon.transport;

import java.util.concurrent.CompletableFuture;

/**
 * A request under way.
 *
 * @param <T> what answers it
 */
public interface Pending<T> {
  /** The answer. */
  CompletableFuture<T> answer();

  /** Somebody waits for it now: where it is read-ahead that still waits here, it goes first. */
  default void hurry() {}

  /** Nobody wants it any more: told to the host; {@link #answer} fails soon, if it was not done. */
  void cancel();
}
