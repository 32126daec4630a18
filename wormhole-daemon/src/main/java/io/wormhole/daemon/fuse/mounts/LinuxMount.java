package io.wormhole.daemon.fuse.mounts;

import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.KernelNotifier;
import io.wormhole.daemon.fuse.MountBusyException;
import io.wormhole.daemon.fuse.MountCoveredException;
import io.wormhole.daemon.fuse.MountPlace;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** A mount on Linux, of either backend. Any thread may call. */
public final class LinuxMount implements KernelMount {
  private static final Duration UNMOUNT_STEP = Duration.ofSeconds(2);

  /** How often, and after what time, a mount is tried again that nobody is seen to use. */
  private static final int BUSY_TRIES = 5;

  private static final Duration BUSY_PAUSE = Duration.ofMillis(200);
  private static final Duration FORCE_STEP = Duration.ofMillis(600);

  private final String backend;
  private final Path directory;
  private final String device;
  private final int mostReadAhead;
  private final ServedConnection connection;

  /**
   * @param backend whose mount it is
   * @param device of the mount, {@code major:minor}
   * @param mostReadAhead bytes that the backend takes in one read
   */
  public LinuxMount(
      String backend,
      Path directory,
      String device,
      int mostReadAhead,
      ServedConnection connection) {
    this.backend = backend;
    this.directory = directory;
    this.device = device;
    this.mostReadAhead = mostReadAhead;
    this.connection = connection;
  }

  @Override
  public Path directory() {
    return directory;
  }

  /**
   * It is known by its device, which a mount that is moved keeps. Only as long as the connection
   * lives: then the kernel gives the number to the next one.
   */
  @Override
  public Optional<MountPlace> place() throws IOException {
    MountTable table = MountTable.read();
    return table
        .find(device, directory.toString())
        .filter(_ -> !connection.ended().isDone())
        .map(mount ->
            new MountPlace(
                Path.of(mount.directory()),
                table
                    .at(mount.directory())
                    .filter(top -> !top.device().equals(device))
                    .map(top -> top.source() + " (" + top.type() + ")")));
  }

  @Override
  public String backend() {
    return backend;
  }

  @Override
  public void readAhead(int bytes) {
    if (!connection.ended().isDone()) {
      ReadAheadWindow.set(device, Math.min(bytes, mostReadAhead));
    }
  }

  @Override
  public KernelNotifier notifier() {
    return connection.notifier();
  }

  @Override
  public CompletableFuture<Void> ended() {
    return connection.ended().copy();
  }

  /**
   * The kernel's unmount waits for reads ahead that are under way, although nobody waits for them:
   * they are interrupted after a while, and at last cut off.
   */
  @Override
  public void unmount() throws IOException {
    Optional<MountPlace> place = place();
    if (place.isPresent()) {
      unmount(place.get());
    }
  }

  private void unmount(MountPlace place) throws IOException {
    Path at = place.directory();
    if (place.cover().isPresent()) {
      throw new MountCoveredException(at, place.cover().get());
    }
    int error = tryUnmount(at);
    // Who merely looks in passing is gone by then; who stays is named.
    for (int again = 0; error == Libc.EBUSY && again < BUSY_TRIES; again++) {
      if (!Holders.of(at).isEmpty()) {
        break;
      }
      await(new CompletableFuture<>(), BUSY_PAUSE);
      if (uncovered().isEmpty()) {
        break;
      }
      error = tryUnmount(at);
    }
    switch (error) {
      case 0, Libc.EINVAL -> {}
      case Libc.EBUSY -> throw new MountBusyException(at, Holders.of(at));
      default ->
          throw new IOException("Unmounting " + at + " failed with error number " + error + ".");
    }
  }

  /** What the kernel says: an error number, or 0. */
  private int tryUnmount(Path at) throws IOException {
    CompletableFuture<Integer> unmounted = umount2(at, 0);
    Optional<Integer> result = await(unmounted, UNMOUNT_STEP);
    if (result.isEmpty()) {
      connection.interruptCalls();
      result = await(unmounted, UNMOUNT_STEP);
    }
    if (result.isEmpty()) {
      ConnectionAbort.abort(device);
      result = await(unmounted, UNMOUNT_STEP);
    }
    return -result.orElseThrow(
        () -> new IOException("Unmounting " + at + " did not finish. Use --force."));
  }

  /**
   * Detaching with MNT_FORCE aborts the connection as well, as long as the mount is where it was
   * made; the control file system reaches it anywhere. Where neither is to be had, as an ordinary
   * user without that file system, whoever waits is answered with an error from here, now and from
   * now on.
   */
  @Override
  public void forceUnmount() {
    connection.interruptCalls();
    try {
      Optional<Path> open = uncovered();
      if (open.isPresent()) {
        await(umount2(open.get(), Libc.MNT_FORCE | Libc.MNT_DETACH), FORCE_STEP);
      }
      if (!awaitEnd()) {
        await(onThread(() -> ConnectionAbort.abort(device) ? 0 : -Libc.ENOENT), FORCE_STEP);
        if (!awaitEnd()) {
          connection.giveUp();
        }
      }
    } catch (InterruptedIOException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean awaitEnd() throws IOException {
    await(connection.ended(), FORCE_STEP.dividedBy(2));
    return connection.ended().isDone();
  }

  /** Where a call that unmounts hits this mount and no other. */
  private Optional<Path> uncovered() {
    try {
      return place().filter(place -> place.cover().isEmpty()).map(MountPlace::directory);
    } catch (IOException e) {
      // Without the table the control file system is the way that can hit no other mount.
      return Optional.empty();
    }
  }

  private static CompletableFuture<Integer> umount2(Path directory, int flags) {
    return onThread(() -> Unmount.at(directory, flags));
  }

  /** The kernel may hold whoever asks; only a thread of its own can be left behind. */
  private static CompletableFuture<Integer> onThread(Supplier<Integer> call) {
    CompletableFuture<Integer> result = new CompletableFuture<>();
    Thread.ofPlatform()
        .name("fuse-unmount")
        .daemon()
        .start(() -> {
          try {
            result.complete(call.get());
          } catch (RuntimeException e) {
            result.completeExceptionally(e);
          }
        });
    return result;
  }

  /** What a future comes to, empty if it does not within the time (or comes to nothing). */
  private static <T> Optional<T> await(CompletableFuture<T> future, Duration time)
      throws IOException {
    try {
      return Optional.ofNullable(future.get(time.toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while unmounting");
    }
  }
}
