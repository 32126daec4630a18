package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FrameProgressTest {
  private static final int MIN_BYTES = 10_240;

  private final FrameProgress progress = new FrameProgress(MIN_BYTES);

  @Test
  void whatComesJustFastEnoughMayGoOn() {
    for (int i = 0; i < 1000; i++) {
      assertThat(step(1024)).isFalse();
    }
  }

  @Test
  void whatComesALittleTooSlowlyIsEndedAfterTenSteps() {
    for (int i = 1; i < FrameProgress.STEPS; i++) {
      assertThat(step(1023)).isFalse();
    }
    assertThat(step(1023)).isTrue();
  }

  @Test
  void aBurstLongAgoDoesNotCount() {
    assertThat(step(1 << 20)).isFalse();
    for (int i = 1; i < FrameProgress.STEPS; i++) {
      assertThat(step(0)).isFalse();
    }
    assertThat(step(0)).isTrue();
  }

  @Test
  void tenStepsAreLookedAtWhereverTheyBegin() {
    for (int i = 0; i < 5; i++) {
      assertThat(step(0)).isFalse();
    }
    assertThat(step(MIN_BYTES)).isFalse();
    for (int i = 1; i < FrameProgress.STEPS; i++) {
      assertThat(step(0)).isFalse();
    }
    assertThat(step(0)).isTrue();
  }

  @Test
  void eachFrameHasItsOwnTime() {
    for (int i = 0; i < 100; i++) {
      progress.arrived(8);
      assertThat(progress.step(i % 9 != 0)).isFalse();
    }
  }

  private boolean step(int bytes) {
    progress.arrived(bytes);
    return progress.step(true);
  }
}
