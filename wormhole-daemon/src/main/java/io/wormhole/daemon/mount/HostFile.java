package io.wormhole.daemon.mount;

import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.mount.HostCalls.Opened;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.transport.LaneException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A file that is open at the host from when it is first asked for: on new lanes it is opened again
 * by the path it had, and is stale where another file stands there by then. Any thread.
 */
final class HostFile {
  private final Inode inode;
  private final HostCalls host;
  private final AtomicReference<Open> open;

  /** Whoever puts one in place completes it; the first one is nobody's. */
  private record Open(@Nullable Lanes lanes, CompletableFuture<Long> handle) {
    boolean isOn(Lanes wanted) {
      return wanted.equals(lanes);
    }
  }

  HostFile(Inode inode, HostCalls host) {
    this.inode = inode;
    this.host = host;
    this.open =
        new AtomicReference<>(
            new Open(null, CompletableFuture.failedFuture(new ErrnoException(Errno.EBADF))));
  }

  Inode inode() {
    return inode;
  }

  /** The file on the lanes that there are, where it need not be opened first. */
  Optional<Access> atHand() {
    Open now = current();
    return now.handle().state() == CompletableFuture.State.SUCCESS
        ? host.link()
            .now()
            .filter(now::isOn)
            .map(lanes -> new Access(lanes, now.handle().resultNow()))
        : Optional.empty();
  }

  /**
   * The file on lanes that answer.
   *
   * @throws ErrnoException ESTALE if it is gone, or another stands there now
   * @throws LaneException if the lanes are lost meanwhile: ask again
   */
  Access access(long endNanos) throws ErrnoException, LaneException, InterruptedException {
    while (true) {
      Lanes lanes = host.link().await(endNanos);
      Open now = current();
      if (!now.isOn(lanes)) {
        var _ = open(now, lanes, 0, endNanos);
        continue;
      }
      try {
        return new Access(lanes, result(now, endNanos));
      } catch (CancellationException givenUp) {
        // Whoever opened it gave up; another may.
      }
    }
  }

  /**
   * Opens the file on lanes that answer, if it is not open there.
   *
   * @param firstBytes how many of its bytes should come at once, 0 to 16,384
   * @return empty if it is open there, or somebody else opens it; else what the host said
   * @throws ErrnoException as {@link #access}
   * @throws LaneException as {@link #access}
   */
  Optional<Opened> open(int firstBytes, long endNanos)
      throws ErrnoException, LaneException, InterruptedException {
    Lanes lanes = host.link().await(endNanos);
    Open now = current();
    return now.isOn(lanes) ? Optional.empty() : open(now, lanes, firstBytes, endNanos);
  }

  /** Attributes of the file, whatever its name is by now. */
  Inode.Seen attributes(long endNanos) throws ErrnoException, InterruptedException {
    while (true) {
      try {
        return host.attributesOf(inode, access(endNanos), endNanos);
      } catch (LaneException lost) {
        // The next lanes are waited for.
      }
    }
  }

  private Open current() {
    return Objects.requireNonNull(open.get());
  }

  private Optional<Opened> open(Open before, Lanes lanes, int firstBytes, long endNanos)
      throws ErrnoException, LaneException, InterruptedException {
    Open fresh = new Open(lanes, new CompletableFuture<>());
    if (!open.compareAndSet(before, fresh)) {
      return Optional.empty();
    }
    try {
      Opened opened = host.open(lanes, inode, firstBytes, endNanos);
      fresh.handle().complete(opened.access().handle());
      return Optional.of(opened);
    } catch (ErrnoException failed) {
      if (failed.errno() != Errno.ENOENT && failed.errno() != Errno.ESTALE) {
        throw failed;
      }
      ErrnoException stale = new ErrnoException(Errno.ESTALE);
      fresh.handle().completeExceptionally(stale);
      throw stale;
    } finally {
      if (!fresh.handle().isDone()) {
        // Who waits, and who asks next, tries anew: why this one failed is his own affair.
        open.compareAndSet(fresh, before);
        fresh.handle().cancel(false);
      }
    }
  }

  /**
   * The handle, once whoever opens it has it.
   *
   * @throws CancellationException if he gave up
   */
  private long result(Open opened, long endNanos) throws ErrnoException, InterruptedException {
    Duration left = host.left(endNanos);
    try {
      return opened.handle().get(left.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException failed) {
      throw host.failures().toErrno(failed.getCause() == null ? failed : failed.getCause());
    } catch (TimeoutException late) {
      throw host.failures().toErrno(late);
    }
  }

  /** Gives the file back to the host. Does not wait. */
  void close() {
    Open last = current();
    Lanes lanes = last.lanes();
    if (lanes != null) {
      var _ = last.handle().thenAccept(handle -> host.close(new Access(lanes, handle)));
    }
  }
}
