package io.wormhole.protocol.hash;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RaceTest {
  @Test
  void challengerWinsByThreeHeatsInARow() {
    HeatClock clock = new HeatClock("wlwwlwwwl");
    assertThat(race(clock).challengerWins()).isTrue();
    assertThat(clock.heats()).isEqualTo(8);
  }

  @Test
  void challengerThatNeverGetsFasterLoses() {
    HeatClock clock = new HeatClock("l".repeat(1000));
    assertThat(race(clock).challengerWins()).isFalse();
    assertThat(clock.heats()).isEqualTo(30);
  }

  @Test
  void hashesAreRightBeforeAndAfterTheVectorsTakeOver() {
    AtomicInteger submitted = new AtomicInteger();
    Runnable[] task = new Runnable[1];
    Blake3 blake3 =
        Blake3.fastest(
            warmer -> {
              submitted.incrementAndGet();
              task[0] = warmer;
            },
            new HeatClock("www"));
    assertThat(submitted).hasValue(1);
    assertThat(blake3.engine()).isEqualTo("plain");
    GroupHashes before = blake3.hash(MemorySegment.ofArray(new byte[100_000]));
    task[0].run();
    assertThat(blake3.engine()).startsWith("vector, ");
    assertThat(blake3.hash(MemorySegment.ofArray(new byte[100_000]))).isEqualTo(before);
  }

  private static Race race(LongSupplier clock) {
    ScalarCompressor scalar = new ScalarCompressor();
    HashTree tree = new HashTree(scalar, scalar);
    return new Race(tree, tree, clock);
  }

  /** Read once at the start, then five times a heat, each of which takes a second. */
  private static final class HeatClock implements LongSupplier {
    private final Iterator<Integer> steps;
    private int reads;
    private long seconds;

    HeatClock(String heats) {
      steps =
          heats
              .chars()
              .boxed()
              .flatMap(
                  heat -> IntStream.of(0, 0, heat == 'w' ? 0 : 1, 0, heat == 'w' ? 1 : 0).boxed())
              .iterator();
    }

    @Override
    public long getAsLong() {
      if (reads++ > 0) {
        seconds += steps.next();
      }
      return TimeUnit.SECONDS.toNanos(seconds);
    }

    int heats() {
      return (reads - 1) / 5;
    }
  }
}
