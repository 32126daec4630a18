package io.wormhole.daemon.fuse.mounts;

import org.jspecify.annotations.Nullable;

/**
 * A call into the file system, and the thread it is made on. That thread may make other calls
 * before and after: an interrupt that is meant for this one reaches no other, and is not lost if it
 * comes before the call has begun.
 */
public class Call {
  private @Nullable Thread thread;
  private boolean interrupted;
  private boolean over;

  /** Begins the call, on its own thread. */
  public final synchronized void begin() {
    thread = Thread.currentThread();
    if (interrupted) {
      thread.interrupt();
    }
  }

  /** Interrupts the call, unless it is over. */
  public final synchronized void interrupt() {
    interrupted = true;
    if (thread != null && !over) {
      thread.interrupt();
    }
  }

  /** Ends the call, on its own thread, which is not interrupted any more. */
  public void end() {
    synchronized (this) {
      over = true;
      Thread.interrupted();
    }
  }
}
