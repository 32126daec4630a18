package io.wormhole.daemon.fuse.mounts;

import java.util.concurrent.CompletableFuture;

/** A connection to the kernel that a backend serves. Any thread may call. */
public interface ServedConnection {
  /** Completes, never exceptionally, when the kernel has said that the connection is over. */
  CompletableFuture<Void> ended();

  /** Interrupts every call into the file system that is under way. */
  void interruptCalls();
}
