package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import org.junit.jupiter.api.Test;

class PathWindowTest {
  private static final int CHUNK = 128 << 10;
  private static final long MILLI = 1_000_000;

  private final PathWindow window = new PathWindow();
  private final ArrayDeque<PathWindow.Mark> asked = new ArrayDeque<>();
  private long nowNanos = 5;

  /** The link is free from then on. */
  private long freeNanos;

  private long arrivedBytes;
  private long queuedNanos;

  /** A path that is never left idle: as much is asked for as is worthwhile. */
  private void run(long rttNanos, double bytesPerSecond, long nanos) {
    long end = nowNanos + nanos;
    arrivedBytes = 0;
    queuedNanos = 0;
    while (nowNanos < end) {
      while ((asked.size() + 1L) * CHUNK <= window.worthwhileBytes()) {
        asked.add(window.mark(nowNanos));
      }
      PathWindow.Mark next = asked.remove();
      long earliest = next.nanos() + rttNanos;
      arrivedBytes += CHUNK;
      queuedNanos = Math.max(0, freeNanos - earliest);
      freeNanos = Math.max(freeNanos, earliest) + (long) (CHUNK * 1e9 / bytesPerSecond);
      nowNanos = Math.max(nowNanos, freeNanos);
      window.arrived(next, CHUNK, nowNanos);
    }
  }

  @Test
  void aPathIsFilledAndLittleMore() {
    run(50 * MILLI, 12e6, 5_000 * MILLI);
    for (int i = 0; i < 50; i++) {
      run(50 * MILLI, 12e6, 200 * MILLI);
      assertThat(queuedNanos).isLessThan(25 * MILLI);
    }
    run(50 * MILLI, 12e6, 5_000 * MILLI);
    assertThat(arrivedBytes).isGreaterThan((long) (0.8 * 5 * 12e6));
  }

  @Test
  void aFastLongPathIsGrownIntoWithinASecond() {
    run(50 * MILLI, 120e6, 1_000 * MILLI);
    run(50 * MILLI, 120e6, 2_000 * MILLI);
    assertThat(arrivedBytes).isGreaterThan((long) (0.9 * 2 * 120e6));
  }

  @Test
  void aPathThatGetsFasterIsGrownInto() {
    run(50 * MILLI, 12e6, 5_000 * MILLI);
    run(50 * MILLI, 120e6, 3_000 * MILLI);
    run(50 * MILLI, 120e6, 2_000 * MILLI);
    assertThat(arrivedBytes).isGreaterThan((long) (0.9 * 2 * 120e6));
  }

  @Test
  void aSlowPathHasFewChunksWaiting() {
    run(150 * MILLI, 1.2e6, 20_000 * MILLI);
    assertThat(window.worthwhileBytes()).isBetween(512L << 10, 1L << 20);
  }

  @Test
  void aShortPathHasEnoughForABusyMachine() {
    run(MILLI / 5, 110e6, 2_000 * MILLI);
    assertThat(window.worthwhileBytes()).isBetween(2_000_000L, 5_000_000L);
  }

  @Test
  void aPathThatGetsSlowerIsSeenWithinAMinute() {
    run(50 * MILLI, 120e6, 5_000 * MILLI);
    run(50 * MILLI, 6e6, 60_000 * MILLI);
    assertThat(window.worthwhileBytes()).isLessThan(2_000_000);
  }

  @Test
  void nothingIsForgottenWhileNothingIsAsked() {
    run(50 * MILLI, 120e6, 5_000 * MILLI);
    long before = window.worthwhileBytes();
    nowNanos += 3_600_000 * MILLI;
    assertThat(window.worthwhileBytes()).isEqualTo(before);
  }
}
