package io.wormhole.daemon;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;

/** Several tries at one thing, of which the first that succeeds counts. */
final class FirstOf {
  private FirstOf() {}

  /**
   * The first result; where there is none, the failure that tells the most. What the others bring
   * is dropped, and so is the first where nobody wants it any more.
   *
   * @param tellsMore of two failures, the earlier one first
   */
  static <T> CompletableFuture<T> these(
      List<CompletableFuture<T>> tries, Consumer<T> drop, BinaryOperator<Throwable> tellsMore) {
    CompletableFuture<T> first = new CompletableFuture<>();
    AtomicReference<Throwable> why = new AtomicReference<>();
    AtomicInteger left = new AtomicInteger(tries.size());
    for (CompletableFuture<T> each : tries) {
      var _ =
          each.whenComplete((result, failure) -> {
            if (failure == null) {
              left.decrementAndGet();
              if (!first.complete(result)) {
                drop.accept(result);
              }
              return;
            }
            why.accumulateAndGet(
                failure, (told, next) -> told == null ? next : tellsMore.apply(told, next));
            if (left.decrementAndGet() == 0) {
              first.completeExceptionally(why.get());
            }
          });
    }
    if (tries.isEmpty()) {
      first.completeExceptionally(new CancellationException("there is nothing to try"));
    }
    return first;
  }
}
