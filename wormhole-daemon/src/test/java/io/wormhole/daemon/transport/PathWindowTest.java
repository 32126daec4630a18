package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
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

  /** How often, and for how long, nothing is handed on of what has come. */
  private long stallEveryNanos = Long.MAX_VALUE;

  private static final long STALL_NANOS = 100 * MILLI;

  /** A path that is never left idle: as much is asked for as is worthwhile. */
  private void run(long rttNanos, double bytesPerSecond, long nanos) {
    long end = nowNanos + nanos;
    arrivedBytes = 0;
    queuedNanos = 0;
    while (nowNanos < end) {
      while ((asked.size() + 1L) * CHUNK <= window.worthwhileBytes()) {
        asked.add(window.mark(nowNanos, asked.isEmpty()));
      }
      PathWindow.Mark next = asked.remove();
      long earliest = next.nanos() + rttNanos;
      arrivedBytes += CHUNK;
      queuedNanos = Math.max(0, freeNanos - earliest);
      freeNanos = Math.max(freeNanos, earliest) + (long) (CHUNK * 1e9 / bytesPerSecond);
      long sinceStall = freeNanos % stallEveryNanos;
      long held = sinceStall < STALL_NANOS ? STALL_NANOS - sinceStall : 0;
      nowNanos = Math.max(nowNanos, freeNanos + (stallEveryNanos == Long.MAX_VALUE ? 0 : held));
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
    assertThat(window.worthwhileBytes()).isBetween(256L << 10, 512L << 10);
  }

  @Test
  void aShortPathHasEnoughForABusyMachine() {
    run(MILLI / 5, 110e6, 2_000 * MILLI);
    List<Long> inRounds = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      run(MILLI / 5, 110e6, 20 * MILLI);
      inRounds.add(window.worthwhileBytes());
    }
    assertThat(inRounds).allSatisfy(bytes -> assertThat(bytes).isBetween(1_500_000L, 5_000_000L));
    assertThat(inRounds.stream().filter(bytes -> bytes >= 2_000_000).count())
        .isGreaterThanOrEqualTo(6);
  }

  @Test
  void aPathThatGetsSlowerIsSeenWithinAMinute() {
    run(50 * MILLI, 120e6, 5_000 * MILLI);
    run(50 * MILLI, 6e6, 60_000 * MILLI);
    assertThat(window.worthwhileBytes()).isLessThan(2_000_000);
  }

  @Test
  void whatWasHeldUpAndComesAtOnceIsNoFasterPath() {
    stallEveryNanos = 5_000 * MILLI;
    for (int i = 0; i < 600; i++) {
      run(MILLI / 5, 110e6, 100 * MILLI);
      assertThat(window.worthwhileBytes()).isLessThan(5_000_000);
    }
  }

  @Test
  void smallAnswerThatIsThereSoonerTellsNothingOfChunks() {
    run(50 * MILLI, 12e6, 5_000 * MILLI);
    long before = window.worthwhileBytes();
    window.arrived(window.mark(nowNanos, false), 4096, nowNanos + 5 * MILLI);
    assertThat(window.worthwhileBytes()).isEqualTo(before);
  }

  @Test
  void nothingIsForgottenWhileNothingIsAsked() {
    run(50 * MILLI, 120e6, 5_000 * MILLI);
    long before = window.worthwhileBytes();
    nowNanos += 3_600_000 * MILLI;
    assertThat(window.worthwhileBytes()).isEqualTo(before);
  }
}
