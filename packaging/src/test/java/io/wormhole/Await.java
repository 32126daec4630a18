package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.function.Predicate;

/** Waits for what other processes bring about. */
final class Await {
  private static final long BETWEEN_LOOKS_MILLIS = 50;

  private Await() {}

  /** A look at what is waited for. */
  @FunctionalInterface
  interface Look<T> {
    T look() throws IOException, InterruptedException;
  }

  /**
   * Looks again and again, until something is as it should be.
   *
   * @param limit after which it fails, with what was seen last
   * @return what was seen
   */
  static <T> T until(Duration limit, Look<T> look, Predicate<T> done)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    while (true) {
      T seen = look.look();
      if (done.test(seen)) {
        return seen;
      }
      assertThat(System.nanoTime()).as("after %s: %s", limit, seen).isLessThan(end);
      Thread.sleep(BETWEEN_LOOKS_MILLIS);
    }
  }
}
