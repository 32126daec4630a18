package io.wormhole.daemon.fuse.mounts;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Faults are told, but not once for each request. */
class FaultLogTest {
  @Test
  void atMostOneLineIsWrittenInTenSeconds() {
    AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5);
    FaultLog log = new FaultLog(now::get);
    assertThat(log.report("first, by a test")).isTrue();
    assertThat(log.report("second, by a test")).isFalse();
    now.addAndGet(TimeUnit.SECONDS.toNanos(9));
    assertThat(log.report("third, by a test", new IllegalStateException())).isFalse();
    now.addAndGet(TimeUnit.SECONDS.toNanos(1));
    assertThat(log.report("fourth, by a test")).isTrue();
  }
}
