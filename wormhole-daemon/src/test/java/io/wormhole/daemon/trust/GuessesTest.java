package io.wormhole.daemon.trust;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.transport.SourcePrefix;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class GuessesTest {
  private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");

  private final Guesses guesses = new Guesses();

  @Test
  void oneSourceHasThreeAndThenOneAMinute() {
    assertThat(wrongAtOnce(1, START)).isEqualTo(3);
    assertThat(wrongAtOnce(1, START.plusSeconds(59))).isZero();
    assertThat(wrongAtOnce(1, START.plusSeconds(60))).isEqualTo(1);
    assertThat(wrongAtOnce(1, START.plusSeconds(119))).isZero();
    assertThat(wrongAtOnce(1, START.plusSeconds(120))).isEqualTo(1);
    assertThat(wrongAtOnce(1, START.plusSeconds(3600))).isEqualTo(3);
  }

  @Test
  void allSourcesTogetherHaveTenAndThenOneAMinute() {
    int taken = 0;
    for (int source = 0; source < 20; source++) {
      taken += wrongAtOnce(source, START);
    }
    assertThat(taken).isEqualTo(10);
    assertThat(wrongAtOnce(77, START.plusSeconds(60))).isEqualTo(1);
    assertThat(wrongAtOnce(78, START.plusSeconds(60))).isZero();
  }

  @Test
  void aRightGuessCostsNothing() {
    for (int i = 0; i < 500; i++) {
      assertThat(guesses.take(source(1), START)).isTrue();
      guesses.right(source(1));
    }
    assertThat(guesses.sources()).isZero();
    assertThat(wrongAtOnce(1, START)).isEqualTo(3);
  }

  @Test
  void guessesThatAreNotDecidedYetCount() {
    for (int i = 0; i < 3; i++) {
      assertThat(guesses.take(source(1), START)).isTrue();
    }
    assertThat(guesses.take(source(1), START)).isFalse();
    guesses.right(source(1));
    assertThat(guesses.take(source(1), START)).isTrue();
  }

  @Test
  void theHundredthWrongGuessIsTheLast() {
    Instant now = START;
    for (int i = 1; i <= Guesses.WRONG_ALLOWED; i++) {
      assertThat(guesses.take(source(i), now)).isTrue();
      assertThat(guesses.wrong()).isEqualTo(i == Guesses.WRONG_ALLOWED);
      now = now.plus(Guesses.REFILL);
    }
    assertThat(guesses.take(source(1), now.plus(Duration.ofDays(30)))).isFalse();
  }

  @Test
  void aRightGuessAmongTheLastIsStillRight() {
    Instant now = START;
    for (int i = 1; i < Guesses.WRONG_ALLOWED; i++) {
      assertThat(guesses.take(source(i), now)).isTrue();
      assertThat(guesses.wrong()).isFalse();
      now = now.plus(Guesses.REFILL);
    }
    assertThat(guesses.take(source(1), now)).isTrue();
    assertThat(guesses.take(source(2), now)).isFalse();
    guesses.right(source(1));
    assertThat(guesses.take(source(2), now)).isTrue();
    assertThat(guesses.wrong()).isTrue();
  }

  @Test
  void aClockThatGoesBackRefillsNothing() {
    assertThat(wrongAtOnce(1, START)).isEqualTo(3);
    assertThat(wrongAtOnce(1, START.minus(Duration.ofDays(1)))).isZero();
    assertThat(wrongAtOnce(1, START.minus(Duration.ofDays(1)).plusSeconds(60))).isEqualTo(1);
  }

  /** Whatever is done, nobody gets more than his share, and few sources are remembered. */
  @Property(tries = 300)
  void neverMoreThanAllowedWithinAnyTime(
      @ForAll @Size(min = 1, max = 400) List<@IntRange(max = 4000) Integer> script) {
    Guesses tried = new Guesses();
    Instant now = START;
    Deque<Instant> wrong = new ArrayDeque<>();
    int inAll = 0;
    for (int step : script) {
      now = now.plusSeconds(step % 40);
      SourcePrefix source = source(step / 40);
      if (tried.take(source, now)) {
        if (step % 7 == 0) {
          tried.right(source);
        } else {
          boolean last = tried.wrong();
          wrong.add(now);
          assertThat(last).isEqualTo(++inAll == Guesses.WRONG_ALLOWED);
        }
      }
      Instant hourAgo = now.minus(Duration.ofHours(1));
      wrong.removeIf(time -> time.isBefore(hourAgo));
      assertThat(wrong.size()).isLessThanOrEqualTo(Guesses.AT_ONCE + 60);
      assertThat(tried.sources()).isLessThanOrEqualTo(13);
    }
    assertThat(inAll).isLessThanOrEqualTo(Guesses.WRONG_ALLOWED);
  }

  private int wrongAtOnce(int source, Instant now) {
    int taken = 0;
    while (guesses.take(source(source), now)) {
      assertThat(guesses.wrong()).isFalse();
      taken++;
    }
    return taken;
  }

  private static SourcePrefix source(int number) {
    return new SourcePrefix(number, false);
  }
}
