package io.wormhole.daemon.fuse;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** A file system that is mounted. */
public interface KernelMount {
  Path directory();

  /** Which backend carries it: {@code device}, later {@code jnr}. */
  String backend();

  /**
   * Unmounts.
   *
   * @throws IOException if the mount is busy; it is mounted still
   */
  void unmount() throws IOException;

  /**
   * Takes the mount away at once: whoever waits in it gets an error, whoever holds it open keeps a
   * dead descriptor. Always works, and returns within two seconds.
   */
  void forceUnmount();

  /** Completes, never exceptionally, when the kernel is done with it, whoever unmounted it. */
  CompletableFuture<Void> ended();
}
