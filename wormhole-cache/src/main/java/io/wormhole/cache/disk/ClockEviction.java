package io.wormhole.cache.disk;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;

/**
 * Which content goes when room is needed: a clock with two hands, after S3-FIFO (Yang et al., "FIFO
 * queues are all you need for cache eviction", 2023).
 *
 * <p>What comes in is on probation. Its hand drops what was not read again, and makes the rest
 * proven. While probation holds more than a tenth of all blocks its hand moves; else the other one,
 * which takes a mark off proven content and drops what has none left. So one pass over more footage
 * than fits displaces only what came in the same way. What was dropped not long ago and comes back
 * is proven at once. What is pinned goes only where it must.
 *
 * <p>Three bytes of RAM for each place. {@link #touch} on any thread, the rest on one at a time.
 */
final class ClockEviction {
  private static final int PROBATION_PART = 10;
  private static final byte MOST_MARKS = 3;
  private static final int GHOSTS = 1 << 16;
  private static final int LEAST_PLACES = 1024;

  private static final byte FREE = -1;
  private static final byte PROBATION = (byte) Standing.PROBATION.code();
  private static final byte PROVEN = (byte) Standing.PROVEN.code();
  private static final byte PINNED = (byte) Standing.PINNED.code();

  private final IntConsumer proven;
  private final long[] ghosts = new long[GHOSTS];

  /** Replaced when it grows: a mark set meanwhile may be lost, and no more. */
  private volatile byte[] marks = new byte[0];

  private byte[] states = new byte[0];
  private byte[] blocks = new byte[0];
  private long probationBlocks;
  private long provenBlocks;
  private final AtomicLong pinnedBlocks = new AtomicLong();
  private int probationHand;
  private int provenHand;
  private int pinnedHand;

  /**
   * @param proven told of each place whose content has proven itself while {@link #victim} ran
   */
  ClockEviction(IntConsumer proven) {
    this.proven = proven;
  }

  /**
   * How content that comes in stands: what went not long ago has proven itself by coming back.
   *
   * @param fingerprint of the content
   */
  Standing standing(long fingerprint) {
    int ghost = ghostOf(fingerprint);
    if (ghosts[ghost] != fingerprint) {
      return Standing.PROBATION;
    }
    ghosts[ghost] = 0;
    return Standing.PROVEN;
  }

  /**
   * A place that was free holds something from now on.
   *
   * @param size blocks it takes, 1 to 127
   */
  void add(int place, int size, Standing standing) {
    if (place >= states.length) {
      grow(place);
    }
    states[place] = (byte) standing.code();
    blocks[place] = (byte) size;
    marks[place] = 0;
    count(states[place], size);
  }

  /** What a place holds stands otherwise from now on. */
  void change(int place, Standing standing) {
    count(states[place], -blocks[place]);
    states[place] = (byte) standing.code();
    count(states[place], blocks[place]);
  }

  /** What a place holds was read. Any thread. */
  void touch(int place) {
    byte[] now = marks;
    if (place < now.length && now[place] < MOST_MARKS) {
      now[place]++;
    }
  }

  /** Blocks of what a place holds; 0 if it is free. */
  int blocks(int place) {
    return place < states.length && states[place] != FREE ? blocks[place] : 0;
  }

  /** Whether what a place holds is pinned. */
  boolean isPinned(int place) {
    return place < states.length && states[place] == PINNED;
  }

  /** Blocks of all that is pinned. Any thread. */
  long pinnedBlocks() {
    return pinnedBlocks.get();
  }

  /** Some place whose content is pinned, or -1 if there is none. */
  int pinnedVictim() {
    for (int i = 0; pinnedBlocks.get() > 0 && i < states.length; i++) {
      int place = pinnedHand;
      pinnedHand = pinnedHand + 1 == states.length ? 0 : pinnedHand + 1;
      if (states[place] == PINNED) {
        return place;
      }
    }
    return -1;
  }

  /** A place is free. */
  void remove(int place) {
    count(states[place], -blocks[place]);
    states[place] = FREE;
    marks[place] = 0;
  }

  /** Notes that what was evicted has been here, so that it is known if it comes back. */
  void remember(long fingerprint) {
    ghosts[ghostOf(fingerprint)] = fingerprint;
  }

  /** The place whose content should go first, or -1 if all there is is pinned. */
  int victim() {
    if (probationBlocks + provenBlocks == 0) {
      return -1;
    }
    // What is proven on the way and marked as often as can be is passed at most so many times.
    for (int round = 0; round <= MOST_MARKS + 1; round++) {
      boolean fromProbation =
          probationBlocks * PROBATION_PART > probationBlocks + provenBlocks || provenBlocks == 0;
      int found = fromProbation ? fromProbation() : fromProven();
      if (found >= 0) {
        return found;
      }
    }
    return -1;
  }

  void clear() {
    Arrays.fill(states, FREE);
    Arrays.fill(marks, (byte) 0);
    probationBlocks = 0;
    provenBlocks = 0;
    pinnedBlocks.set(0);
  }

  private int fromProbation() {
    for (int i = 0; i < states.length; i++) {
      int place = probationHand;
      probationHand = probationHand + 1 == states.length ? 0 : probationHand + 1;
      if (states[place] != PROBATION) {
        continue;
      }
      if (marks[place] == 0) {
        return place;
      }
      marks[place] = 0;
      change(place, Standing.PROVEN);
      proven.accept(place);
      if (probationBlocks * PROBATION_PART <= probationBlocks + provenBlocks) {
        return -1;
      }
    }
    return -1;
  }

  private int fromProven() {
    for (int i = 0; i < states.length; i++) {
      int place = provenHand;
      provenHand = provenHand + 1 == states.length ? 0 : provenHand + 1;
      if (states[place] != PROVEN) {
        continue;
      }
      if (marks[place] == 0) {
        return place;
      }
      marks[place]--;
    }
    return -1;
  }

  private void grow(int place) {
    int before = states.length;
    int length = Math.max(place + 1, Math.max(LEAST_PLACES, before + (before >> 1)));
    states = Arrays.copyOf(states, length);
    Arrays.fill(states, before, length, FREE);
    blocks = Arrays.copyOf(blocks, length);
    marks = Arrays.copyOf(marks, length);
  }

  private void count(byte state, int size) {
    if (state == PROBATION) {
      probationBlocks += size;
    } else if (state == PROVEN) {
      provenBlocks += size;
    } else if (state == PINNED) {
      pinnedBlocks.addAndGet(size);
    }
  }

  private static int ghostOf(long fingerprint) {
    return (int) (fingerprint >>> 32) & (GHOSTS - 1);
  }
}
