package io.wormhole.cache;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** A load under way. */
public interface PendingLoad {
  /**
   * Completes when the bytes are in the destination, unverified, or exceptionally when they will
   * not come. Either way the destination is not written to any more, so it must complete, by a
   * deadline of the loader's own. May complete on an event loop: nothing slow hangs on it.
   */
  CompletableFuture<Arrival> arrival();

  /**
   * Has somebody told of one part that comes before the rest, unverified, if there is one; once,
   * before {@link #arrival} completes, and perhaps on an event loop. The part's memory is not
   * written to after. One listener at the most.
   */
  default void onPart(Consumer<Part> told) {}

  /** Somebody waits for all of it now, who did not when it was begun. Returns at once. */
  default void hurry() {}

  /** Nobody wants it any more: {@link #arrival} completes soon. Returns at once. */
  void cancel();
}
