package io.wormhole.daemon.mount;

import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.FutureFailure;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.PathFigures;
import io.wormhole.daemon.transport.Requests;
import io.wormhole.protocol.wire.message.Ping;
import io.wormhole.protocol.wire.message.Request;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way to a host: two lanes, both made anew when one of them is lost or silent. Who has a
 * request to send waits here for lanes that answer, as long as the host may still come back.
 *
 * <p>A lane on which something was asked and nothing is heard for a second is sent a ping, the bulk
 * lane too: after a change of address one may work and the other not. Without an answer for three
 * seconds new lanes are dialled beside the old ones, and whichever answer first are used. Where no
 * lane has answered for {@link #AWAY}, or the host has said goodbye, it is away: callers fail soon,
 * and it is dialled on, ever more rarely.
 *
 * <p>Any thread.
 */
public final class HostLink implements AutoCloseable {
  /** Without an answer for so long, the host is away. */
  static final Duration AWAY = Duration.ofSeconds(30);

  private static final Logger log = LoggerFactory.getLogger(HostLink.class);
  private static final Duration PING_PATIENCE = Duration.ofSeconds(3);

  /** How long callers wait for a dial that one of them has set off, while the host is away. */
  private static final long AWAY_PATIENCE_NANOS = 1_000_000_000L;

  /** A caller does not set off another dial sooner than this after the last. */
  private static final long NUDGE_NANOS = 2_000_000_000L;

  private static final long FIRST_PAUSE_MILLIS = 250;
  private static final int MOST_DOUBLINGS = 8;

  private final Dialer dialer;
  private final ScheduledExecutorService timer;
  private final LongSupplier tickerNanos;

  private final CompletableFuture<Void> notAdmitted = new CompletableFuture<>();

  /** Null while there are none. */
  private volatile @Nullable Lanes current;

  // Under this object's lock.
  private CompletableFuture<Lanes> next = new CompletableFuture<>();

  /** Lanes of the current two that were sent a ping and have not answered it. */
  private final Set<Requests> silent = new HashSet<>();

  private boolean probing;
  private boolean dialling;
  private boolean goodbye;
  private boolean closed;
  private @Nullable ErrnoException refused;
  private @Nullable String trouble;
  private @Nullable ScheduledFuture<?> retry;
  private long troubleSinceNanos;
  private long dialledNanos;

  /** When a dial was set off by somebody who waits; long ago if none was. */
  private long wantedNanos;

  private int failures;
  private long bytesOfLanesGone;

  /** What a person is told of it. */
  public enum State {
    CONNECTED,
    RECONNECTING,
    OFFLINE
  }

  /** Both lanes to a host, made together. */
  public record Lanes(Requests control, Requests bulk) {
    public void close() {
      control.lane().close(CloseReason.DONE);
      bulk.lane().close(CloseReason.DONE);
    }
  }

  /** Makes new lanes to a host that is known. */
  public interface Dialer {
    /**
     * Begins to. Does not wait; ends within some ten seconds. Fails with {@link
     * NotAdmittedException} where there is no use in trying again.
     *
     * @param urgent whether the host was there a moment ago, and may be back at any
     */
    CompletableFuture<Lanes> dial(boolean urgent);
  }

  /**
   * @param first lanes that answer; this link's from here on
   * @param timer only sets off what does not wait
   */
  public HostLink(
      Lanes first, Dialer dialer, ScheduledExecutorService timer, LongSupplier tickerNanos) {
    this(dialer, timer, tickerNanos);
    adopt(first);
  }

  private HostLink(Dialer dialer, ScheduledExecutorService timer, LongSupplier tickerNanos) {
    this.dialer = dialer;
    this.timer = timer;
    this.tickerNanos = tickerNanos;
    this.wantedNanos = tickerNanos.getAsLong() - AWAY_PATIENCE_NANOS;
  }

  /**
   * The way to a host that does not answer now: it is away, and dialled on.
   *
   * @param trouble why it does not answer, for a person
   */
  public static HostLink away(
      Dialer dialer,
      ScheduledExecutorService timer,
      LongSupplier tickerNanos,
      @Nullable String trouble) {
    HostLink link = new HostLink(dialer, timer, tickerNanos);
    synchronized (link) {
      link.trouble = trouble;
      link.troubleSinceNanos = tickerNanos.getAsLong() - AWAY.toNanos();
    }
    link.dial();
    return link;
  }

  // ---- who asks ----

  /**
   * Lanes to ask on, at once where there are some.
   *
   * @throws ErrnoException EIO if the host is away, or no lanes came in time; EACCES if it does not
   *     let us in any more; ETIMEDOUT if the time is over
   */
  Lanes await(long endNanos) throws ErrnoException, InterruptedException {
    long now = tickerNanos.getAsLong();
    if (now - endNanos >= 0) {
      throw new ErrnoException(Errno.ETIMEDOUT);
    }
    Lanes live = current;
    if (live != null) {
      return live;
    }
    CompletableFuture<Lanes> coming;
    long waitNanos;
    synchronized (this) {
      coming = next;
      nudge(now);
      waitNanos =
          isAway(now)
              ? AWAY_PATIENCE_NANOS - (now - wantedNanos)
              : AWAY.toNanos() - (now - troubleSinceNanos);
    }
    try {
      return coming.get(Math.max(0, Math.min(waitNanos, endNanos - now)), TimeUnit.NANOSECONDS);
    } catch (TimeoutException away) {
      throw new ErrnoException(Errno.EIO);
    } catch (ExecutionException over) {
      throw over.getCause() instanceof ErrnoException why ? why : new ErrnoException(Errno.EIO);
    }
  }

  /** Lanes to ask on, if there are some now. */
  Optional<Lanes> now() {
    return Optional.ofNullable(current);
  }

  /** A request on these lanes failed with this. */
  void lost(Lanes lanes, LaneException why) {
    ended(lanes, why);
  }

  public synchronized State state() {
    if (current != null && silent.isEmpty()) {
      return State.CONNECTED;
    }
    return isAway(tickerNanos.getAsLong()) ? State.OFFLINE : State.RECONNECTING;
  }

  /**
   * Whether the host is away, and what is kept of its share may be shown: not where it has taken
   * our right to it away. It is dialled if it was not of late. Does not wait.
   */
  public boolean isOffline() {
    if (current != null) {
      return false;
    }
    synchronized (this) {
      long now = tickerNanos.getAsLong();
      boolean offline = refused == null && !closed && isAway(now);
      if (offline) {
        nudge(now);
      }
      return offline;
    }
  }

  /**
   * Whether the host does not answer at this moment, and what is kept of its share may be shown to
   * who has waited for it in vain. Does not wait.
   */
  boolean isSilent() {
    synchronized (this) {
      return refused == null && !closed && (current == null || !silent.isEmpty());
    }
  }

  /** Why the host does not answer; empty while it does. */
  public synchronized Optional<String> trouble() {
    return state() == State.CONNECTED ? Optional.empty() : Optional.ofNullable(trouble);
  }

  /** Completes when the host lets this machine in no more. A copy. */
  public CompletableFuture<Void> notAdmitted() {
    return notAdmitted.copy();
  }

  /** The path to the host, while there are lanes. */
  public Optional<PathFigures> path() {
    return now().map(lanes -> lanes.control().lane().path());
  }

  /** The bulk lane's, while there is one. */
  public Optional<PathFigures> bulkPath() {
    return now().map(lanes -> lanes.bulk().lane().path());
  }

  /** What the bulk lane runs over, while there is one. */
  public Optional<String> carrier() {
    return now().map(lanes -> lanes.bulk().lane().carrier());
  }

  /** Bytes of all bulk lanes so far. */
  public synchronized long bytesReceived() {
    return bytesOfLanesGone + now().map(HostLink::bytesOf).orElse(0L);
  }

  /** Who the host is and where, for a log. */
  @Override
  public String toString() {
    return now().map(lanes -> lanes.control().lane().toString()).orElse("that is away");
  }

  /** Says goodbye to the host; who waits is told that it is over. */
  @Override
  public void close() {
    Lanes last;
    synchronized (this) {
      closed = true;
      last = current;
      drop(last);
      next.completeExceptionally(new ErrnoException(Errno.EIO));
      cancelRetry();
    }
    if (last != null) {
      last.close();
    }
  }

  // ---- what happens to lanes ----

  private void adopt(Lanes lanes) {
    Lanes before;
    CompletableFuture<Lanes> waitedFor;
    synchronized (this) {
      if (closed || refused != null) {
        lanes.close();
        return;
      }
      before = current;
      drop(before);
      current = lanes;
      silent.clear();
      goodbye = false;
      failures = 0;
      waitedFor = next;
    }
    var _ = lanes.control().lane().closed().thenAccept(why -> ended(lanes, why));
    var _ = lanes.bulk().lane().closed().thenAccept(why -> ended(lanes, why));
    lanes.control().whenQuiet(() -> quiet(lanes, lanes.control()));
    lanes.bulk().whenQuiet(() -> quiet(lanes, lanes.bulk()));
    waitedFor.complete(lanes);
    if (before != null) {
      before.close();
    }
  }

  private void ended(Lanes lanes, LaneException why) {
    synchronized (this) {
      if (closed || !lanes.equals(current)) {
        return;
      }
      drop(lanes);
      if (silent.isEmpty()) {
        troubleSinceNanos = tickerNanos.getAsLong();
      }
      silent.clear();
      goodbye = why.reason() == CloseReason.GOODBYE;
      trouble = why.getMessage();
      if (Failures.isRevoked(why)) {
        trouble = "the host took our right to the share away: ask for a new code";
        refuse();
      }
    }
    lanes.close();
    log.info("lost the host: {}", why.getMessage());
    dial();
  }

  /** Requests wait on one of the lanes, and nothing comes. */
  private void quiet(Lanes lanes, Requests lane) {
    synchronized (this) {
      if (probing || !lanes.equals(current)) {
        return;
      }
      probing = true;
    }
    var _ =
        lane.call(Request.newBuilder().setPing(Ping.getDefaultInstance()), PING_PATIENCE)
            .whenComplete((_, failure) -> probed(lanes, lane, failure));
  }

  private void probed(Lanes lanes, Requests lane, @Nullable Throwable failure) {
    synchronized (this) {
      probing = false;
      if (!lanes.equals(current)) {
        return;
      }
      if (failure == null) {
        silent.remove(lane);
        return;
      }
      if (silent.isEmpty()) {
        trouble = "the host has not answered for " + PING_PATIENCE.toSeconds() + " s";
        troubleSinceNanos = tickerNanos.getAsLong() - PING_PATIENCE.toNanos();
      }
      silent.add(lane);
    }
    dial();
  }

  // ---- dialling ----

  private void dial() {
    boolean urgent;
    synchronized (this) {
      boolean needed = current == null || !silent.isEmpty();
      if (!needed || dialling || closed || refused != null) {
        return;
      }
      dialling = true;
      urgent = !isAway(tickerNanos.getAsLong());
      cancelRetry();
    }
    CompletableFuture<Lanes> attempt;
    try {
      attempt = dialer.dial(urgent);
    } catch (RejectedExecutionException full) {
      attempt = CompletableFuture.failedFuture(full);
    }
    var _ = attempt.whenComplete(this::dialled);
  }

  private void dialled(@Nullable Lanes lanes, @Nullable Throwable failure) {
    boolean wanted;
    synchronized (this) {
      dialling = false;
      dialledNanos = tickerNanos.getAsLong();
      wanted = current == null || !silent.isEmpty();
      if (lanes == null && wanted && !closed) {
        failed(failure);
      }
    }
    if (lanes == null) {
      return;
    }
    if (wanted) {
      log.info("the host answers again");
      adopt(lanes);
    } else {
      // The old ones answered first.
      lanes.close();
    }
  }

  /** Under the lock. */
  private void failed(@Nullable Throwable failure) {
    Throwable why = failure == null ? null : FutureFailure.unwrapped(failure);
    trouble = why == null ? trouble : why.getMessage();
    if (why instanceof NotAdmittedException) {
      refuse();
      return;
    }
    failures++;
    long most = FIRST_PAUSE_MILLIS << Math.min(failures, MOST_DOUBLINGS);
    long pause = ThreadLocalRandom.current().nextLong(most / 2, most);
    try {
      retry = timer.schedule(this::dial, pause, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException ending) {
      log.debug("The daemon ends: the host is not dialled again", ending);
    }
  }

  /** Somebody wants the host, who is away: he is dialled now. Under the lock. */
  private void nudge(long now) {
    if (retry != null && now - dialledNanos > NUDGE_NANOS) {
      cancelRetry();
      wantedNanos = now;
      try {
        timer.execute(this::dial);
      } catch (RejectedExecutionException ending) {
        log.debug("The daemon ends: the host is not dialled again", ending);
      }
    }
  }

  // ---- under the lock ----

  private void refuse() {
    ErrnoException why = new ErrnoException(Errno.EACCES);
    refused = why;
    drop(current);
    if (next.isDone()) {
      next = new CompletableFuture<>();
    }
    next.completeExceptionally(why);
    notAdmitted.complete(null);
  }

  private void drop(@Nullable Lanes lanes) {
    if (lanes != null) {
      bytesOfLanesGone += bytesOf(lanes);
      current = null;
      if (next.isDone()) {
        next = new CompletableFuture<>();
      }
    }
  }

  private boolean isAway(long now) {
    return current == null
        && (goodbye || refused != null || now - troubleSinceNanos >= AWAY.toNanos());
  }

  private void cancelRetry() {
    ScheduledFuture<?> pending = retry;
    retry = null;
    if (pending != null) {
      pending.cancel(false);
    }
  }

  private static long bytesOf(Lanes lanes) {
    return lanes.bulk().lane().path().bytesReceived();
  }
}
