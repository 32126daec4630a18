package io.wormhole.daemon;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The daemon's pools, each named for its role. Threads that have nothing to do for a while end, so
 * an idle daemon has next to none.
 *
 * @param verify hashes chunks; as many threads as cores
 * @param hostIo reads shared files; twice as many
 * @param trust stretches codes and shakes hands; takes 64 that wait, then refuses
 * @param timer ends what takes too long and measures throughput; never does work of its own
 */
record Threads(
    ExecutorService verify,
    ExecutorService hostIo,
    ExecutorService trust,
    ScheduledThreadPoolExecutor timer) {
  private static final long IDLE_SECONDS = 10;
  private static final int HANDSHAKES_WAITING = 64;

  /**
   * How many requests of one lane are handled at a time, and how many threads there are for all.
   */
  static int hostIoThreads() {
    return 2 * Runtime.getRuntime().availableProcessors();
  }

  static Threads start() {
    int cores = Runtime.getRuntime().availableProcessors();
    ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, named("timer"));
    timer.setRemoveOnCancelPolicy(true);
    return new Threads(
        pool("verify", cores, Integer.MAX_VALUE),
        pool("host-io", hostIoThreads(), Integer.MAX_VALUE),
        pool("trust", cores, HANDSHAKES_WAITING),
        timer);
  }

  private static ExecutorService pool(String role, int threads, int waiting) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(waiting),
            named(role));
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  private static ThreadFactory named(String role) {
    return Thread.ofPlatform().daemon().name(role + "-", 1).factory();
  }

  void stop() {
    timer.shutdownNow();
    trust.shutdownNow();
    hostIo.shutdownNow();
    verify.shutdownNow();
  }
}
