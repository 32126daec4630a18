package io.wormhole.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClockEvictionTest {
  private final List<Integer> proven = new ArrayList<>();
  private final ClockEviction clock = new ClockEviction(proven::add);

  private void fill(int from, int to, Standing standing) {
    for (int place = from; place < to; place++) {
      clock.add(place, 1, standing);
    }
  }

  private int evict() {
    int place = clock.victim();
    clock.remove(place);
    return place;
  }

  @Test
  void whatCameFirstGoesFirst() {
    fill(0, 10, Standing.PROBATION);
    assertThat(evict()).isZero();
    assertThat(evict()).isEqualTo(1);
  }

  @Test
  void whatWasReadAgainProvesItself() {
    fill(0, 10, Standing.PROBATION);
    clock.touch(0);
    assertThat(evict()).isEqualTo(1);
    assertThat(proven).containsExactly(0);
  }

  @Test
  void passOverMoreThanFitsLeavesWhatHasProvenItself() {
    fill(0, 89, Standing.PROVEN);
    fill(89, 100, Standing.PROBATION);
    for (int i = 0; i < 1000; i++) {
      int place = evict();
      assertThat(place).isGreaterThanOrEqualTo(89);
      clock.add(place, 1, Standing.PROBATION);
    }
  }

  @Test
  void whatComesBackHasProvenItself() {
    clock.remember(77L << 32);
    assertThat(clock.standing(77L << 32)).isEqualTo(Standing.PROVEN);
    assertThat(clock.standing(77L << 32)).isEqualTo(Standing.PROBATION);
    assertThat(clock.standing(78L << 32)).isEqualTo(Standing.PROBATION);
  }

  @Test
  void provenContentThatNobodyReadsGoesInTheEnd() {
    fill(0, 100, Standing.PROVEN);
    clock.touch(0);
    assertThat(evict()).isEqualTo(1);
  }

  @Test
  void everythingThatIsMarkedStillHasAVictim() {
    fill(0, 100, Standing.PROVEN);
    for (int i = 0; i < 1000; i++) {
      clock.touch(i % 100);
    }
    assertThat(clock.victim()).isNotNegative();
  }

  @Test
  void pinnedContentIsNoVictim() {
    fill(0, 10, Standing.PINNED);
    assertThat(clock.victim()).isEqualTo(-1);
    clock.change(4, Standing.PROBATION);
    assertThat(clock.victim()).isEqualTo(4);
  }

  @Test
  void emptyClockHasNoVictim() {
    assertThat(clock.victim()).isEqualTo(-1);
  }
}
