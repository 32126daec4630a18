package io.wormhole.daemon.fuse;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A file system that is mounted. */
public interface KernelMount {
  /** The mount point it was made at, absolute and without symbolic links. */
  Path directory();

  /**
   * Where it stands in the kernel's table by now. Empty if it stands nowhere: it was unmounted, or
   * was detached and is in use still.
   *
   * @throws IOException if the table cannot be read
   */
  Optional<MountPlace> place() throws IOException;

  /** Which backend carries it: {@code device} or {@code jnr}. */
  String backend();

  /**
   * Has the kernel read so far ahead of a program, at most what the backend takes in one read, and
   * at first that. Only where this process may say so: for others it is 128 KiB.
   */
  void readAhead(int bytes);

  /** Tells the kernel what has changed; good for as long as it is mounted. */
  KernelNotifier notifier();

  /**
   * Unmounts, if it is mounted still. Waits a few seconds at most, for reads ahead that nobody
   * waits for. Not to be called from within the file system.
   *
   * @throws MountBusyException if the mount is busy; it is mounted still
   * @throws MountCoveredException if something else is mounted over it; it is mounted still
   * @throws IOException if something else stands in the way
   */
  void unmount() throws IOException;

  /**
   * Takes the mount away at once: whoever waits in it gets an error, whoever holds it open keeps a
   * dead descriptor. Always works, and returns within two seconds. Where something else is mounted
   * over it, it stays below that, dead.
   */
  void forceUnmount();

  /**
   * Completes, never exceptionally, when the kernel is done with it, whoever unmounted it. Calls
   * into the file system that do not heed their interrupt may still be on their way; {@link
   * KernelFileSystem#destroyed} comes after the last of them.
   */
  CompletableFuture<Void> ended();
}
