package io.wormhole.daemon;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Several tries at one thing, of which the first that succeeds counts. */
final class FirstOf {
  private FirstOf() {}

  /**
   * The first result; the last failure where there is none. What the others bring is dropped, and
   * so is the first where nobody wants it any more.
   */
  static <T> CompletableFuture<T> these(List<CompletableFuture<T>> tries, Consumer<T> drop) {
    CompletableFuture<T> first = new CompletableFuture<>();
    AtomicInteger left = new AtomicInteger(tries.size());
    for (CompletableFuture<T> each : tries) {
      var _ =
          each.whenComplete((result, failure) -> {
            int others = left.decrementAndGet();
            if (failure == null) {
              if (!first.complete(result)) {
                drop.accept(result);
              }
            } else if (others == 0) {
              first.completeExceptionally(failure);
            }
          });
    }
    if (tries.isEmpty()) {
      first.completeExceptionally(new CancellationException("there is nothing to try"));
    }
    return first;
  }
}
