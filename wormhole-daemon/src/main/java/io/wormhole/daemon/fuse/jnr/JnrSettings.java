package io.wormhole.daemon.fuse.jnr;

import java.time.Duration;

/**
 * How the jnr-fuse backend is set up.
 *
 * @param threadsAtRest threads that wait for requests of one mount, 1 or more
 * @param threadsMax threads of one mount while all of them are in calls; past it requests wait
 * @param validFor how long the kernel keeps attributes and names: one value for the whole mount,
 *     whatever a single answer says
 * @param pathLimit paths whose inodes are remembered for one mount; those of open files come on top
 */
public record JnrSettings(int threadsAtRest, int threadsMax, Duration validFor, int pathLimit) {
  /** 8 threads growing to 128, one second, 16,384 paths (some 3 MiB once they are all in use). */
  public static final JnrSettings DEFAULTS = new JnrSettings(8, 128, Duration.ofSeconds(1), 16_384);

  public JnrSettings {
    if (threadsAtRest < 1 || threadsMax < threadsAtRest || validFor.isNegative() || pathLimit < 1) {
      throw new IllegalArgumentException(
          "threads %d to %d, valid for %s, paths %d"
              .formatted(threadsAtRest, threadsMax, validFor, pathLimit));
    }
  }
}
