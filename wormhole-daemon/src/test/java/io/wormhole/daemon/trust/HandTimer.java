package io.wormhole.daemon.trust;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** A timer whose time passes when a test says so. */
final class HandTimer extends ScheduledThreadPoolExecutor {
  private final List<Due> due = new CopyOnWriteArrayList<>();

  HandTimer() {
    super(1, Thread.ofPlatform().daemon().name("timer").factory());
    setRemoveOnCancelPolicy(true);
  }

  private record Due(Runnable action, Duration delay, ScheduledFuture<?> handle) {}

  @Override
  public ScheduledFuture<?> schedule(Runnable action, long delay, TimeUnit unit) {
    ScheduledFuture<?> handle = super.schedule(action, 1, TimeUnit.DAYS);
    due.add(new Due(action, Duration.of(delay, unit.toChronoUnit()), handle));
    return handle;
  }

  /** So much time passes for everything that was scheduled until now. */
  void pass(Duration time) {
    for (Due entry : due) {
      if (entry.delay().compareTo(time) <= 0 && entry.handle().cancel(false)) {
        entry.action().run();
      }
    }
  }

  /** How many run that were given no more time than this. */
  long running(Duration atMost) {
    return due.stream()
        .filter(entry -> entry.delay().compareTo(atMost) <= 0 && !entry.handle().isDone())
        .count();
  }

  /** How many deadlines run. */
  long running() {
    return due.stream().filter(entry -> !entry.handle().isDone()).count();
  }
}
