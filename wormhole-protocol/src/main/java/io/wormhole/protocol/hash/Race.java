package io.wormhole.protocol.hash;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Lets two ways of hashing run against each other until the challenger, which the JIT compiler has
 * yet to compile, is the faster one for good. Running them is what has them compiled.
 */
final class Race {
  /** Won in a row before the challenger is believed: one may be the holder's bad luck. */
  private static final int HEATS_TO_WIN = 3;

  private static final int RUNS_PER_HEAT = 4;
  private static final long GIVE_UP_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final HashTree holder;
  private final HashTree challenger;
  private final LongSupplier nanoTime;

  Race(HashTree holder, HashTree challenger, LongSupplier nanoTime) {
    this.holder = holder;
    this.challenger = challenger;
    this.nanoTime = nanoTime;
  }

  /** Runs until the challenger wins, or thirty seconds have passed. */
  boolean challengerWins() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment input = arena.allocate(HashTree.RUN_BYTES);
      long start = nanoTime.getAsLong();
      int won = 0;
      while (won < HEATS_TO_WIN && nanoTime.getAsLong() - start < GIVE_UP_NANOS) {
        won = heatNanos(challenger, input) < heatNanos(holder, input) ? won + 1 : 0;
      }
      return won == HEATS_TO_WIN;
    }
  }

  private long heatNanos(HashTree tree, MemorySegment input) {
    long start = nanoTime.getAsLong();
    for (int i = 0; i < RUNS_PER_HEAT; i++) {
      tree.groupValues(input, 0);
    }
    return nanoTime.getAsLong() - start;
  }
}
