package io.wormhole.cache.disk;

import java.util.concurrent.atomic.LongAdder;

/** What a disk cache did since it was opened, as in {@link DiskStats}. Any thread. */
final class DiskCounts {
  final LongAdder shared = new LongAdder();
  final LongAdder hits = new LongAdder();
  final LongAdder misses = new LongAdder();
  final LongAdder evictions = new LongAdder();
  final LongAdder corrupt = new LongAdder();
  final LongAdder failures = new LongAdder();
}
