package io.wormhole.daemon.transport;

import java.util.concurrent.CompletionException;

/** Failures as they come out of futures. */
public final class FutureFailure {
  private FutureFailure() {}

  /** What went wrong: a step after the one that failed sees it wrapped. */
  public static Throwable unwrapped(Throwable failure) {
    return failure instanceof CompletionException wrapped && wrapped.getCause() != null
        ? wrapped.getCause()
        : failure;
  }
}
