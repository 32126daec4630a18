package io.wormhole.daemon.trust;

import io.wormhole.daemon.trust.JoinException.Reason;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Tries again while a host says that it is busy, after a time that doubles and is random, so that
 * those who were sent away together do not come back together. All tries share one {@link
 * Entrance#DEADLINE}.
 */
final class PatientJoin {
  private static final long FIRST_DELAY_MILLIS = 250;
  private static final int MAX_DOUBLINGS = 3;

  private final Supplier<CompletableFuture<Joined>> tries;
  private final ScheduledExecutorService timer;
  private final RandomGenerator random;
  private final CompletableFuture<Joined> outcome = new CompletableFuture<>();
  private volatile @Nullable Throwable busy;

  PatientJoin(
      Supplier<CompletableFuture<Joined>> tries,
      ScheduledExecutorService timer,
      RandomGenerator random) {
    this.tries = tries;
    this.timer = timer;
    this.random = random;
  }

  CompletableFuture<Joined> start() {
    ScheduledFuture<?> deadline =
        timer.schedule(this::timeIsOver, Entrance.DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
    var unusedEnd = outcome.whenComplete((joined, failure) -> deadline.cancel(false));
    attempt(0);
    return outcome;
  }

  private void attempt(int tried) {
    if (outcome.isDone()) {
      return;
    }
    CompletableFuture<Joined> attempt = tries.get();
    var unusedCancel = outcome.whenComplete((joined, failure) -> attempt.cancel(false));
    var unusedEnd =
        attempt.whenComplete((joined, failure) -> {
          if (joined != null) {
            if (!outcome.complete(joined)) {
              joined.close();
            }
          } else if (failure instanceof JoinException why && why.reason() == Reason.BUSY) {
            busy = why;
            later(tried, why);
          } else if (failure != null) {
            outcome.completeExceptionally(failure);
          }
        });
  }

  private void later(int tried, JoinException why) {
    long doubled = FIRST_DELAY_MILLIS << Math.min(tried, MAX_DOUBLINGS);
    long delayMillis = doubled / 2 + random.nextLong(doubled);
    try {
      ScheduledFuture<?> next =
          timer.schedule(() -> attempt(tried + 1), delayMillis, TimeUnit.MILLISECONDS);
      var unusedEnd = outcome.whenComplete((joined, failure) -> next.cancel(false));
    } catch (RejectedExecutionException ending) {
      outcome.completeExceptionally(why);
    }
  }

  /** A try that waits for an answer has a deadline of its own, with better words. */
  private void timeIsOver() {
    Throwable last = busy;
    if (last != null) {
      outcome.completeExceptionally(last);
    }
  }
}
