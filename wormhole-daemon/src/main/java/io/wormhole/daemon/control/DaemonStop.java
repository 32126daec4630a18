package io.wormhole.daemon.control;

import java.util.concurrent.CompletableFuture;

/** The wish that the daemon ends, whoever has it. Any thread. */
public final class DaemonStop {
  private final CompletableFuture<String> requested = new CompletableFuture<>();

  /** Wishes it; the first reason counts. Returns at once. */
  public void request(String reason) {
    requested.complete(reason);
  }

  /** Completes with the reason, for a log. A copy: completing it changes nothing. */
  public CompletableFuture<String> requested() {
    return requested.copy();
  }
}
