package io.wormhole.daemon.fuse.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SlowCallsTest {
  private static final Request.Waiting READ = new Request.Read(1, 2, 0, 0, 4096);
  private static final Request.Waiting LOOK = new Request.Getattr(3, 2);

  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1000);
  private final SlowCalls calls = new SlowCalls(clock::get);

  private void call(Request.Waiting request, long nanos) {
    long begun = clock.get();
    clock.addAndGet(nanos);
    calls.ended(request, begun);
  }

  private boolean isLikely(Request.Waiting request) {
    return calls.isLikely(request, clock.get());
  }

  @Test
  void nothingIsSlowAtFirst() {
    assertThat(isLikely(READ)).isFalse();
    call(READ, SlowCalls.WAITED_NANOS - 1);
    assertThat(isLikely(READ)).isFalse();
  }

  @Test
  void whatWaitedIsLikelyToWaitAgainForAMoment() {
    call(READ, SlowCalls.WAITED_NANOS);
    assertThat(isLikely(READ)).isTrue();
    clock.addAndGet(SlowCalls.MOMENT_NANOS - 1);
    assertThat(isLikely(READ)).isTrue();
    clock.addAndGet(1);
    assertThat(isLikely(READ)).isFalse();
  }

  @Test
  void slowReadsMakeNoLookSlowNorTheOtherWayRound() {
    call(READ, SlowCalls.WAITED_NANOS);
    assertThat(isLikely(LOOK)).isFalse();
    clock.addAndGet(SlowCalls.MOMENT_NANOS);
    call(LOOK, SlowCalls.WAITED_NANOS);
    assertThat(isLikely(LOOK)).isTrue();
    assertThat(isLikely(READ)).isFalse();
  }
}
