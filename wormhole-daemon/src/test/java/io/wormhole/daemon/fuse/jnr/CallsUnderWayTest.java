package io.wormhole.daemon.fuse.jnr;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** An interrupt reaches the call it is meant for, early or in time, and no other. */
class CallsUnderWayTest {
  private final CallsUnderWay calls = new CallsUnderWay();

  @Test
  void aCallIsInterruptedWhileItIsUnderWayOnly() {
    calls.begin(1);
    calls.interrupt(1);
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
    calls.end(1);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    calls.begin(2);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    calls.end(2);
  }

  @Test
  void anInterruptThatOvertookItsCallIsKeptForIt() {
    calls.interrupt(1);
    calls.begin(2);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    calls.end(2);
    calls.begin(1);
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
    calls.end(1);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void interruptsThatFindNoCallAreForgottenInTheEnd() {
    for (long unique = 1; unique <= 1000; unique++) {
      calls.interrupt(unique);
    }
    calls.begin(1);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    calls.end(1);
  }

  @Test
  void afterTheEndEveryCallIsInterrupted() {
    calls.end();
    calls.begin(1);
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
    calls.end(1);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }
}
