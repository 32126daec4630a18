package io.wormhole.daemon.fuse.mounts;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A call into the file system, and the thread it is made on. That thread may make other calls
 * before and after: an interrupt that is meant for this one reaches no other, and is not lost if it
 * comes before the call has begun.
 */
public final class Call {
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
  public Call(long node, boolean bringsEntries) {
    this.node = node;
    this.bringsEntries = bringsEntries;
  }

  /** Whether it is about a node. */
  public boolean isOn(long other) {
    return node == other;
  }

  /** Whether its answer may say what a node is like. */
  public boolean maySayOf(long other) {
    return node == other || bringsEntries;
  }

  /** Begins the call, on its own thread. */
  public synchronized void begin() {
    thread = Thread.currentThread();
    if (interrupted) {
      thread.interrupt();
    }
  }

  /** Takes the right to reply; whether it was there to be taken. */
  public synchronized boolean claim() {
    boolean first = !claimed;
    claimed = true;
    return first;
  }

  /** Interrupts the call, unless it is over. */
  public synchronized void interrupt() {
    interrupted = true;
    if (thread != null && !over) {
      thread.interrupt();
    }
  }

  /**
   * Has something done when the call is over and was replied to, on its thread; at once if it is.
   */
  public void whenOver(Runnable follower) {
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
  public void end() {
    List<Runnable> told;
    synchronized (this) {
      over = true;
      told = followers;
      Thread.interrupted();
    }
    told.forEach(Runnable::run);
  }
}
