package io.wormhole.daemon.fuse.mounts;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Tells a mount whose daemon is gone from one that is alive or only slow. */
enum Liveness {
  /** Somebody serves it. */
  SERVED,
  /** Nobody does: the kernel says ENOTCONN. */
  DEAD,
  /**
   * It does not answer. Its daemon may be stopped or wait for its peer; or it was killed, and a
   * thread of it waits in the kernel for an answer that will not come.
   */
  SILENT;

  private static final Duration DEADLINE = Duration.ofSeconds(1);

  /** Whether the kernel says that nobody serves the mount any more. */
  static boolean isDead(String mountPoint) throws InterruptedException {
    return of(mountPoint) == DEAD;
  }

  /**
   * Asks. The question is asked on a thread of its own, which stays behind if there is no answer.
   */
  static Liveness of(String mountPoint) throws InterruptedException {
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
      int result = answer.get(DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
      return result == -Libc.ENOTCONN ? DEAD : SERVED;
    } catch (TimeoutException e) {
      return SILENT;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }
}
