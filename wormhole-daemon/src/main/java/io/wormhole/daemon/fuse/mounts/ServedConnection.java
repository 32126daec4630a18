package io.wormhole.daemon.fuse.mounts;

import io.wormhole.daemon.fuse.KernelNotifier;
import java.util.concurrent.CompletableFuture;

/** A connection to the kernel that a backend serves. Any thread may call. */
public interface ServedConnection {
  /**
   * Completes, never exceptionally, when the kernel has said that the connection is over, or it was
   * given up.
   */
  CompletableFuture<Void> ended();

  /** Tells the kernel what has changed. */
  KernelNotifier notifier();

  /** Interrupts every call into the file system that is under way. */
  void interruptCalls();

  /**
   * Ends the connection from this side, where the kernel cannot be made to: every request that is
   * under way or comes yet is answered with an error. The readers stay until the kernel lets go.
   */
  void giveUp();
}
