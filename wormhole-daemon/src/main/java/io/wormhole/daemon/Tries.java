package io.wormhole.daemon;

import io.wormhole.daemon.discovery.Candidates;
import io.wormhole.daemon.transport.FutureFailure;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * One thing tried at several addresses, of which the first where it succeeds counts. Each address
 * has a head start on the next, so that one which stays silent holds up the others little (as RFC
 * 8305 does, section 5). Used once.
 *
 * @param <T> what a try gives
 */
final class Tries<T> {
  private final Function<InetSocketAddress, CompletableFuture<T>> attempt;
  private final Consumer<T> drop;
  private final Predicate<Throwable> isFinal;
  private final Duration headStart;
  private final int most;

  private final CompletableFuture<T> outcome = new CompletableFuture<>();

  /** The tries that go on, and whoever may begin another. */
  private final AtomicInteger running = new AtomicInteger(1);

  private final List<Failure> failures = new ArrayList<>();

  /** What an address came to. */
  record Failure(InetSocketAddress address, Throwable why) {}

  /**
   * @param attempt begins a try, without waiting; who cancels it gets nothing of it
   * @param drop is given what came too late
   * @param isFinal of a failure after which no other address is tried
   * @param most addresses tried
   */
  Tries(
      Function<InetSocketAddress, CompletableFuture<T>> attempt,
      Consumer<T> drop,
      Predicate<Throwable> isFinal,
      Duration headStart,
      int most) {
    this.attempt = attempt;
    this.drop = drop;
    this.isFinal = isFinal;
    this.headStart = headStart;
    this.most = most;
  }

  /**
   * Waits for the first that succeeds.
   *
   * @param candidates closed by this, soon after it has returned
   * @return empty if none did, or none in time
   */
  Optional<T> first(Candidates candidates, Duration limit) throws InterruptedException {
    Thread finder = Thread.ofVirtual().name("control-tries").start(() -> tryEach(candidates));
    try {
      return Optional.of(outcome.get(limit.toNanos(), TimeUnit.NANOSECONDS));
    } catch (ExecutionException | CancellationException | TimeoutException none) {
      outcome.cancel(false);
      return outcome.isCompletedExceptionally() ? Optional.empty() : Optional.of(outcome.join());
    } finally {
      if (!outcome.isDone()) {
        outcome.cancel(false);
        var _ = outcome.thenAccept(drop);
      }
      finder.interrupt();
    }
  }

  /** Of the tries that have ended, in that order. */
  List<Failure> failures() {
    synchronized (failures) {
      return List.copyOf(failures);
    }
  }

  private void tryEach(Candidates candidates) {
    try (candidates) {
      for (int begun = 0; begun < most && !outcome.isDone(); begun++) {
        Optional<InetSocketAddress> next = candidates.next();
        if (next.isEmpty()) {
          break;
        }
        begin(next.get());
      }
    } catch (InterruptedException over) {
      // It is known who is first, or nobody wants to know.
    } finally {
      ended();
    }
  }

  private void begin(InetSocketAddress address) throws InterruptedException {
    running.incrementAndGet();
    CompletableFuture<T> begun = attempt.apply(address);
    var _ =
        begun.whenComplete((result, failure) -> {
          if (failure != null) {
            failed(new Failure(address, FutureFailure.unwrapped(failure)));
          } else if (!outcome.complete(result)) {
            drop.accept(result);
          }
          ended();
        });
    var _ = outcome.whenComplete((_, _) -> begun.cancel(false));
    try {
      var _ = begun.get(headStart.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException | CancellationException | TimeoutException next) {
      // The next one's turn.
    }
  }

  private void failed(Failure failure) {
    if (outcome.isDone()) {
      return;
    }
    synchronized (failures) {
      failures.add(failure);
    }
    if (isFinal.test(failure.why())) {
      outcome.completeExceptionally(failure.why());
    }
  }

  private void ended() {
    if (running.decrementAndGet() == 0) {
      outcome.completeExceptionally(new CancellationException("none succeeded"));
    }
  }
}
