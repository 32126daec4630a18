package io.wormhole.daemon.mount;

import io.wormhole.daemon.transport.Pending;
import java.util.concurrent.CompletableFuture;

/** A request that takes as long as it takes. */
record PlainPending<T>(CompletableFuture<T> answer) implements Pending<T> {
  @Override
  public void cancel() {}
}
