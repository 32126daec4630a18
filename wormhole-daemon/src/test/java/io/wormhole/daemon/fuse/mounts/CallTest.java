package io.wormhole.daemon.fuse.mounts;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** An interrupt reaches the call it is meant for, whenever it comes, and no other. */
class CallTest {
  private final Call call = new Call();

  @AfterEach
  void clearTheInterrupt() {
    Thread.interrupted();
  }

  @Test
  void anInterruptReachesACallThatIsUnderWay() {
    call.begin();
    call.interrupt();
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
  }

  @Test
  void anInterruptBeforeTheBeginningIsNotLost() {
    call.interrupt();
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    call.begin();
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
  }

  @Test
  void neitherALateNorALeftOverInterruptReachesTheNextCall() {
    call.begin();
    call.interrupt();
    call.end();
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    call.interrupt();
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }
}
