package io.wormhole.daemon;

import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.protocol.control.Deadline;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a daemon's mounts. A process cannot end while a thread of it is in the kernel, and
 * that may wait for answers which only this process gives: so each connection is brought to its
 * end, whoever still waits in the mount or holds a copy of it somewhere.
 */
final class Departure {
  private static final Logger log = LoggerFactory.getLogger(Departure.class);

  /** Less than what the process takes for its end. */
  private static final Duration LIMIT = Duration.ofSeconds(9);

  /** What the kernel gets to end a connection after the unmount. */
  private static final Duration END_LIMIT = Duration.ofMillis(500);

  private Departure() {}

  /** Unmounts all at once, by force where that does not do. Takes nine seconds at most. */
  static void of(Collection<RunningMount> mounts) {
    Deadline deadline = Deadline.in(LIMIT);
    List<Thread> leaving =
        mounts.stream()
            .map(mount -> Thread.ofPlatform().daemon().name("unmount").start(() -> takeAway(mount)))
            .toList();
    try {
      for (Thread each : leaving) {
        if (!each.join(deadline.remaining())) {
          log.warn("not every mount has ended after {} s", LIMIT.toSeconds());
          return;
        }
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private static void takeAway(RunningMount mount) {
    KernelMount kernel = mount.kernel();
    try {
      kernel.unmount();
      kernel.ended().get(END_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (IOException | ExecutionException | TimeoutException held) {
      log.info("{} is taken away by force: {}", mount.directory(), held.toString());
      kernel.forceUnmount();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
