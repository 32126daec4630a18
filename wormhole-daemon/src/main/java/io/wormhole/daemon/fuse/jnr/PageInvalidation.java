package io.wormhole.daemon.fuse.jnr;

import io.wormhole.daemon.fuse.mounts.FaultLog;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * Tells the kernel to drop pages, on a thread of its own: the kernel waits for reads of the same
 * inode that are under way, which must be answered meanwhile. An inode waits here once at most; the
 * thread goes when there is nothing to do.
 */
final class PageInvalidation {
  private static final long IDLE_SECONDS = 5;
  private static final long END_SECONDS = 10;

  private final LongConsumer drop;
  private final FaultLog faults;
  private final Set<Long> pending = ConcurrentHashMap.newKeySet();
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
   * @param drop drops the pages of one of the kernel's nodes; may wait
   */
  PageInvalidation(LongConsumer drop, FaultLog faults) {
    this.drop = drop;
    this.faults = faults;
    thread.allowCoreThreadTimeOut(true);
  }

  /** Drops the pages of a node soon. Does not wait. */
  void request(long kernelNode) {
    if (pending.add(kernelNode)) {
      thread.execute(() -> {
        pending.remove(kernelNode);
        try {
          // An error says that the kernel knows the node no more, and so has no pages.
          drop.accept(kernelNode);
        } catch (RuntimeException e) {
          faults.report("The kernel could not be told of a change", e);
        }
      });
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
