package io.wormhole.daemon.fuse.mounts;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Tells a mount whose daemon is gone from one that is alive or only slow. */
final class Liveness {
  private static final Duration DEADLINE = Duration.ofSeconds(1);

  private Liveness() {}

  /**
   * Whether the kernel says that nobody serves the mount any more (ENOTCONN). A mount that does not
   * answer is not dead: its daemon may be stopped, or wait for its peer. The question is asked on a
   * thread of its own, which stays behind if there is no answer.
   */
  static boolean isDead(String mountPoint) throws InterruptedException {
    CompletableFuture<Integer> answer = new CompletableFuture<>();
    Thread.ofPlatform()
        .name("fuse-probe")
        .daemon()
        .start(() -> {
          try {
            answer.complete(Libc.probe(mountPoint));
          } catch (RuntimeException e) {
            answer.completeExceptionally(e);
          }
        });
    try {
      return answer.get(DEADLINE.toMillis(), TimeUnit.MILLISECONDS) == -Libc.ENOTCONN;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }
}
