package io.wormhole.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import io.netty.util.internal.PlatformDependent;
import java.util.List;
import java.util.Locale;

/** What this process holds: heap that is reachable, memory off it, threads. */
record Footprint(long heapBytes, long directBytes, List<String> threads) {
  private static final int MANY = 4;

  static Footprint now() {
    Runtime runtime = Runtime.getRuntime();
    long heap = Long.MAX_VALUE;
    for (int i = 0; i < MANY; i++) {
      System.gc();
      heap = Math.min(heap, runtime.totalMemory() - runtime.freeMemory());
    }
    long pooled =
        ((ByteBufAllocatorMetricProvider) ByteBufAllocator.DEFAULT).metric().usedDirectMemory();
    List<String> threads =
        Thread.getAllStackTraces().keySet().stream().map(Thread::getName).sorted().toList();
    return new Footprint(heap, Math.max(pooled, PlatformDependent.usedDirectMemory()), threads);
  }

  /** Fails if more was taken since than this. */
  void requireNoMoreSince(Footprint before, long bytes) {
    assertThat(heapBytes - before.heapBytes)
        .as("heap: %s, before %s", this, before)
        .isLessThan(bytes);
    assertThat(directBytes - before.directBytes)
        .as("direct: %s, before %s", this, before)
        .isLessThan(bytes);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%.1f MiB heap, %.1f MiB direct",
        heapBytes / 1048576.0,
        directBytes / 1048576.0);
  }
}
