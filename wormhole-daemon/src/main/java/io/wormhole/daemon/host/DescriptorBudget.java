package io.wormhole.daemon.host;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many descriptors all peers together may keep open, so that the process always has some left
 * for its sockets and caches. One for a process. Any thread.
 */
public final class DescriptorBudget {
  private final AtomicInteger left;

  /**
   * @param descriptors 0 or more
   */
  public DescriptorBudget(int descriptors) {
    left = new AtomicInteger(descriptors);
  }

  /** Half of what the system lets this process open (RLIMIT_NOFILE), asked once, here. */
  public static DescriptorBudget ofProcess() {
    return new DescriptorBudget(
        (int) Math.min(Integer.MAX_VALUE, LinuxCalls.descriptorLimit() / 2));
  }

  /** Takes one, if one is left. */
  boolean take() {
    int count = left.get();
    while (count > 0) {
      if (left.compareAndSet(count, count - 1)) {
        return true;
      }
      count = left.get();
    }
    return false;
  }

  /** Gives back one that was taken. */
  void giveBack() {
    left.incrementAndGet();
  }

  int left() {
    return left.get();
  }
}
