package io.wormhole.daemon.fuse.device;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A call into the file system, and the thread it is made on. That thread may make other calls
 * before and after: an interrupt that is meant for this one reaches no other, and is not lost if it
 * comes before the call has begun.
 */
final class Call {
  private final long node;
  private final boolean bringsEntries;
  private @Nullable Thread thread;
  private List<Runnable> followers = List.of();
  private boolean interrupted;
  private boolean claimed;
  private boolean over;

  /**
   * @param node what it is about
   * @param bringsEntries whether its answer may bring attributes of others
   */
  Call(long node, boolean bringsEntries) {
    this.node = node;
    this.bringsEntries = bringsEntries;
  }

  /** Whether it is about a node. */
  boolean isOn(long other) {
    return node == other;
  }

  /** Whether its answer may say what a node is like. */
  boolean maySayOf(long other) {
    return node == other || bringsEntries;
  }

  /** Begins the call, on its own thread. */
  synchronized void begin() {
    thread = Thread.currentThread();
    if (interrupted) {
      thread.interrupt();
    }
  }

  /** Takes the right to reply; whether it was there to be taken. */
  synchronized boolean claim() {
    boolean first = !claimed;
    claimed = true;
    return first;
  }

  /** Interrupts the call, unless it is over. */
  synchronized void interrupt() {
    interrupted = true;
    if (thread != null && !over) {
      thread.interrupt();
    }
  }

  /**
   * Has something done when the call is over and was replied to, on its thread; at once if it is.
   */
  void whenOver(Runnable follower) {
    synchronized (this) {
      if (!over) {
        if (followers.isEmpty()) {
          followers = new ArrayList<>();
        }
        followers.add(follower);
        return;
      }
    }
    follower.run();
  }

  /** Ends the call, on its own thread, which is not interrupted any more. */
  void end() {
    List<Runnable> told;
    synchronized (this) {
      over = true;
      told = followers;
      Thread.interrupted();
    }
    told.forEach(Runnable::run);
  }
}
