package io.wormhole.daemon;

import java.time.Duration;

/**
 * Has old garbage collected before the heap grows for it: the serial collector would rather take
 * more memory, up to its limit, and a process that is there for days would keep it. Not safe for
 * use by several threads.
 */
final class HeapTidy {
  /** What is worth a collection, which stops the process for some 50 ms. */
  private static final long GARBAGE_BYTES = 20 << 20;

  private static final Duration BETWEEN = Duration.ofSeconds(30);

  private final Heap heap;
  private long leftBytes;
  private long lastNanos;

  /** The heap of a process. */
  interface Heap {
    /** Objects and garbage. */
    long usedBytes();

    /** Collects all garbage, before it returns. */
    void collect();
  }

  /** The heap of this process. */
  static final Heap OWN =
      new Heap() {
        @Override
        public long usedBytes() {
          Runtime runtime = Runtime.getRuntime();
          return runtime.totalMemory() - runtime.freeMemory();
        }

        @Override
        public void collect() {
          System.gc();
        }
      };

  HeapTidy(Heap heap, long nowNanos) {
    this.heap = heap;
    this.leftBytes = heap.usedBytes();
    this.lastNanos = nowNanos - BETWEEN.toNanos();
  }

  void tick(long nowNanos) {
    long used = heap.usedBytes();
    leftBytes = Math.min(leftBytes, used);
    if (used - leftBytes >= GARBAGE_BYTES && nowNanos - lastNanos >= BETWEEN.toNanos()) {
      heap.collect();
      leftBytes = heap.usedBytes();
      lastNanos = nowNanos;
    }
  }
}
