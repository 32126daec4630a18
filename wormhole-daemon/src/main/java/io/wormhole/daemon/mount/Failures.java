package io.wormhole.daemon.mount;

import io.wormhole.cache.ChunkException;
import io.wormhole.cache.ChunkLoadException;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.wire.RemoteException;
import io.wormhole.protocol.wire.WireException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one table from what can go wrong with a host to what the kernel is answered. What a host does
 * that no host should is said once a minute, with its name, however often it does it. Any thread.
 */
final class Failures {
  private static final Logger log = LoggerFactory.getLogger(Failures.class);
  private static final long INTERVAL_NANOS = 60_000_000_000L;

  private final Supplier<String> host;
  private final LongSupplier tickerNanos;
  private final AtomicLong nextLineNanos;
  private final AtomicLong leftOut = new AtomicLong();

  /**
   * @param host says who the host is, for a person
   */
  Failures(Supplier<String> host, LongSupplier tickerNanos) {
    this.host = host;
    this.tickerNanos = tickerNanos;
    this.nextLineNanos = new AtomicLong(tickerNanos.getAsLong());
  }

  ErrnoException toErrno(Throwable failure) {
    return new ErrnoException(
        switch (failure) {
          case ErrnoException answered -> answered.errno();
          case RemoteException refused -> toErrno(refused);
          case TimeoutException late -> Errno.ETIMEDOUT;
          case LaneException gone -> isRevoked(gone) ? Errno.EACCES : Errno.EIO;
          case ChunkLoadException load when load.getCause() != null ->
              toErrno(load.getCause()).errno();
          case ChunkException refused -> {
            say("sent what cannot be used", refused);
            yield Errno.EIO;
          }
          case WireException lie -> {
            say("broke the protocol", lie);
            yield Errno.EIO;
          }
          default -> {
            say("could not be asked", failure);
            yield Errno.EIO;
          }
        });
  }

  /** Whether the host has taken our right to the share away; no lane to it is let in again. */
  static boolean isRevoked(LaneException gone) {
    return gone.kind() == LaneException.Kind.CLOSED_BY_PEER && gone.reason() == CloseReason.REVOKED;
  }

  private void say(String what, Throwable failure) {
    long now = tickerNanos.getAsLong();
    long next = nextLineNanos.get();
    if (now - next < 0 || !nextLineNanos.compareAndSet(next, now + INTERVAL_NANOS)) {
      leftOut.incrementAndGet();
      return;
    }
    long before = leftOut.getAndSet(0);
    log.warn(
        "the host {} {}: {}{}",
        host.get(),
        what,
        failure.getMessage() == null ? failure : failure.getMessage(),
        before == 0 ? "" : " (and " + before + " times before)");
  }

  private static Errno toErrno(RemoteException refused) {
    return switch (refused.code()) {
      // What is not served is not shown either: to whoever guesses its name it is not there.
      case FAILURE_CODE_NOT_FOUND, FAILURE_CODE_NOT_SERVED -> Errno.ENOENT;
      case FAILURE_CODE_NOT_A_FOLDER -> Errno.ENOTDIR;
      case FAILURE_CODE_IS_A_FOLDER -> Errno.EISDIR;
      case FAILURE_CODE_ACCESS_DENIED -> Errno.EACCES;
      case FAILURE_CODE_STALE -> Errno.ESTALE;
      case FAILURE_CODE_BAD_HANDLE -> Errno.EBADF;
      case FAILURE_CODE_TOO_MANY_OPEN -> Errno.EMFILE;
      case FAILURE_CODE_BAD_NAME -> Errno.EINVAL;
      case FAILURE_CODE_NAME_TOO_LONG -> Errno.ENAMETOOLONG;
      case FAILURE_CODE_TOO_LATE -> Errno.ETIMEDOUT;
      case FAILURE_CODE_READ_ONLY -> Errno.EROFS;
      default -> Errno.EIO;
    };
  }
}
