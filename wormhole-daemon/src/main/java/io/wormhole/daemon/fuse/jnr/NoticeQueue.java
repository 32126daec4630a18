package io.wormhole.daemon.fuse.jnr;

import io.wormhole.daemon.fuse.mounts.FaultLog;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Tells the kernel what is no longer so, on a thread of its own: the kernel waits for reads of the
 * same inode and for lookups in the same folder that are under way, which must be answered
 * meanwhile. What is waiting already is not taken in twice; the thread goes when there is nothing
 * to do.
 */
final class NoticeQueue {
  /** How many notices may wait. */
  static final int LIMIT = 16_384;

  private static final long IDLE_SECONDS = 5;
  private static final long END_SECONDS = 10;

  private final Consumer<Notice> tell;
  private final FaultLog faults;
  private final int limit;
  private final Set<Notice> waiting = ConcurrentHashMap.newKeySet();
  private final ThreadPoolExecutor thread =
      new ThreadPoolExecutor(
          1,
          1,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(),
          Thread.ofPlatform().name("fuse-notify").daemon().factory(),
          new ThreadPoolExecutor.DiscardPolicy());

  /**
   * @param tell tells the kernel; may wait
   * @param limit how many notices may wait; past it those that come are dropped
   */
  NoticeQueue(Consumer<Notice> tell, FaultLog faults, int limit) {
    this.tell = tell;
    this.faults = faults;
    this.limit = limit;
    thread.allowCoreThreadTimeOut(true);
  }

  /** Tells the kernel soon. Does not wait. False if it will not: there are too many, or an end. */
  boolean add(Notice notice) {
    if (waiting.size() >= limit && !waiting.contains(notice)) {
      faults.report("more than " + limit + " notices to the kernel wait: one was dropped");
      return false;
    }
    if (waiting.add(notice)) {
      boolean queued = false;
      try {
        thread.execute(() -> tell(notice));
        queued = true;
      } finally {
        if (!queued) {
          waiting.remove(notice);
        }
      }
    }
    return !thread.isShutdown();
  }

  private void tell(Notice notice) {
    // First: a change that comes from now on is another one.
    waiting.remove(notice);
    try {
      tell.accept(notice);
    } catch (RuntimeException e) {
      faults.report("The kernel could not be told of a change", e);
    }
  }

  /** Waits until the last one is through and takes no more; whether that was so in time. */
  boolean end() {
    thread.shutdownNow();
    try {
      return thread.awaitTermination(END_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
