package io.wormhole.daemon.transport;

import java.util.Arrays;

/**
 * Whether a frame that has begun moves: fewer bytes than asked for within any {@value #STEPS}
 * steps, and whoever sends it only holds our memory. Without a clock; one thread.
 */
final class FrameProgress {
  /** Steps of time that are looked at together. */
  static final int STEPS = 10;

  private final long minBytes;
  private final long[] bytesOfStep = new long[STEPS];
  private long bytesOfLastSteps;
  private long bytesNow;
  private int steps;

  /**
   * @param minBytes that must arrive within {@link #STEPS} steps
   */
  FrameProgress(long minBytes) {
    this.minBytes = minBytes;
  }

  void arrived(int bytes) {
    bytesNow += bytes;
  }

  /**
   * A step of time has passed.
   *
   * @param sameFrame whether the frame that had begun before it still is not whole, and was being
   *     read all the time
   * @return whether that frame has been too slow
   */
  boolean step(boolean sameFrame) {
    if (!sameFrame) {
      restart();
      return false;
    }
    int at = steps % STEPS;
    bytesOfLastSteps += bytesNow - bytesOfStep[at];
    bytesOfStep[at] = bytesNow;
    bytesNow = 0;
    steps++;
    return steps >= STEPS && bytesOfLastSteps < minBytes;
  }

  /** Another frame is begun. */
  void restart() {
    Arrays.fill(bytesOfStep, 0);
    bytesOfLastSteps = 0;
    bytesNow = 0;
    steps = 0;
  }
}
