package io.wormhole.daemon.mount;

import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.wire.message.OpenedFile;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A file that is open at the host: on new lanes it is opened again by the path it had, and is stale
 * where another file stands there by then. Any thread.
 */
final class HostFile {
  private final Inode inode;
  private final HostCalls host;
  private final AtomicReference<Open> open;

  /** Where a file can be asked for, and by which number. */
  record Access(Lanes lanes, long handle) {}

  /** Whoever puts one in place completes it. */
  private record Open(Lanes lanes, CompletableFuture<Long> handle) {}

  HostFile(Inode inode, HostCalls host, Access first) {
    this.inode = inode;
    this.host = host;
    this.open =
        new AtomicReference<>(
            new Open(first.lanes(), CompletableFuture.completedFuture(first.handle())));
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
            .filter(now.lanes()::equals)
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
    Lanes lanes = host.link().await(endNanos);
    while (true) {
      Open now = current();
      if (now.lanes().equals(lanes)) {
        return new Access(lanes, result(now, endNanos));
      }
      Open fresh = new Open(lanes, new CompletableFuture<>());
      if (open.compareAndSet(now, fresh)) {
        reopen(now, fresh, endNanos);
      }
    }
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

  private void reopen(Open before, Open fresh, long endNanos)
      throws ErrnoException, LaneException, InterruptedException {
    boolean settled = false;
    try {
      OpenedFile opened = host.reopen(fresh.lanes(), inode, endNanos);
      fresh.handle().complete(opened.getHandle());
      settled = true;
    } catch (ErrnoException failed) {
      if (failed.errno() != Errno.ENOENT && failed.errno() != Errno.ESTALE) {
        throw failed;
      }
      ErrnoException stale = new ErrnoException(Errno.ESTALE);
      fresh.handle().completeExceptionally(stale);
      settled = true;
      throw stale;
    } finally {
      if (!settled) {
        // Who asks next tries anew.
        open.compareAndSet(fresh, before);
        fresh.handle().completeExceptionally(new ErrnoException(Errno.EIO));
      }
    }
  }

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
    var _ = last.handle().thenAccept(handle -> host.close(new Access(last.lanes(), handle)));
  }
}
