package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FutureFailure;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.trust.BulkEntrance.Pass;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.protocol.wire.Fingerprint;
import java.net.InetSocketAddress;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bulk lane of a join: dialled while the control lane is still being let in, which saves the
 * round trips of a dial, and shown its token when there is one. Where that was too early, as for a
 * host that takes no more strangers, it is dialled again with the token.
 *
 * <p>On a short path it is a lane for such paths, where the host has one. That is dialled first;
 * any other a moment later, so that nobody waits for an answer that does not come.
 *
 * <p>Any thread; nothing here waits.
 */
final class BulkDial {
  private static final Logger LOG = LoggerFactory.getLogger(BulkDial.class);

  /** A short path has answered by then. */
  private static final long HEAD_START_MILLIS = 10;

  /**
   * Something that takes connections and says nothing holds a join up no longer. Long enough for a
   * busy machine that does TLS for the first time: a mount keeps for hours what it gets here.
   */
  private static final long REST_MILLIS = 3000;

  private static final long MOST_MILLIS = 4000;

  private final InetSocketAddress address;
  private final Endpoint endpoint;
  private final ScheduledExecutorService timer;
  private final CompletableFuture<Pass> pass = new CompletableFuture<>();
  private final CompletableFuture<OpenLane> lane = new CompletableFuture<>();

  BulkDial(InetSocketAddress address, Endpoint endpoint, ScheduledExecutorService timer) {
    this.address = address;
    this.endpoint = endpoint;
    this.timer = timer;
  }

  /**
   * Dials. Once.
   *
   * @param host whose key the control lane's other end has; another one at the same port is nobody
   */
  void begin(Fingerprint host) {
    CompletableFuture<Lane> dialled = endpoint.dialNear(address);
    var unusedLimit = dialled.orTimeout(MOST_MILLIS, TimeUnit.MILLISECONDS);
    var unusedRest = pass.thenRun(() -> limit(dialled));
    CompletableFuture<Lane> near = dialled.thenApply(lane -> ofHost(lane, host));
    CompletableFuture<Void> farIsWanted = new CompletableFuture<>();
    if (!near.isDone()) {
      ScheduledFuture<?> headStart =
          timer.schedule(
              () -> {
                farIsWanted.complete(null);
              },
              HEAD_START_MILLIS,
              TimeUnit.MILLISECONDS);
      var unusedCancel = near.whenComplete((open, failure) -> headStart.cancel(false));
    }
    CompletableFuture<Boolean> isNear =
        near.handle((open, failure) -> {
          if (failure != null) {
            LOG.info("No lane for a short path to {}: {}", address, why(failure));
            farIsWanted.complete(null);
          }
          return failure == null;
        });
    // One of the two shows the token, which is good once.
    CompletableFuture<Pass> passOfFar =
        isNear.thenCompose(
            yes -> yes ? CompletableFuture.failedFuture(new CancellationException()) : pass);
    CompletableFuture<OpenLane> far = farIsWanted.thenCompose(now -> dialFar(passOfFar));
    var unusedEnd =
        isNear
            .thenCompose(
                yes -> yes ? show(near).exceptionallyCompose(lost -> again(lost, pass)) : far)
            .whenComplete((open, failure) -> {
              if (failure != null) {
                lane.completeExceptionally(failure);
              } else if (!lane.complete(open)) {
                open.lane().close(CloseReason.DONE);
              }
            });
  }

  /**
   * Lets the lane in.
   *
   * @return the lane; who cancels this gets none
   */
  CompletableFuture<OpenLane> show(Pass given) {
    pass.complete(given);
    return lane;
  }

  /** The lane is not wanted; closes it if it is there. */
  void giveUp() {
    pass.cancel(false);
    close(lane);
  }

  /** Closes a lane that is there, or on its way. */
  static void close(CompletableFuture<OpenLane> lane) {
    lane.cancel(false);
    var unusedClose = lane.thenAccept(open -> open.lane().close(CloseReason.DONE));
  }

  /** What is late closes itself. */
  private void limit(CompletableFuture<Lane> dialled) {
    if (dialled.isDone()) {
      return;
    }
    ScheduledFuture<?> rest =
        timer.schedule(
            () -> {
              dialled.completeExceptionally(new TimeoutException());
            },
            REST_MILLIS,
            TimeUnit.MILLISECONDS);
    var unusedEnd = dialled.whenComplete((lane, failure) -> rest.cancel(false));
  }

  private static String why(Throwable failure) {
    Throwable cause = FutureFailure.unwrapped(failure);
    return cause instanceof TimeoutException
        ? "it took too long"
        : String.valueOf(cause.getMessage());
  }

  private static Lane ofHost(Lane lane, Fingerprint host) {
    if (!lane.peer().equals(host)) {
      lane.close(CloseReason.DONE);
      throw new CancellationException("another key than the host's");
    }
    return lane;
  }

  private CompletableFuture<OpenLane> show(CompletableFuture<Lane> near) {
    return withdrawnWith(new BulkEntrance(address, pass).start(near, timer));
  }

  private CompletableFuture<OpenLane> dialFar(CompletableFuture<Pass> shown) {
    return dialOnce(shown).exceptionallyCompose(failure -> again(failure, shown));
  }

  private CompletableFuture<OpenLane> again(Throwable failure, CompletableFuture<Pass> shown) {
    return isWorthAnother(failure, shown)
        ? shown.thenCompose(known -> dialOnce(shown))
        : CompletableFuture.failedFuture(failure);
  }

  private CompletableFuture<OpenLane> dialOnce(CompletableFuture<Pass> shown) {
    return withdrawnWith(new BulkEntrance(address, shown).start(endpoint, timer));
  }

  /** Who gives up the lane gives up what may become it. */
  private CompletableFuture<OpenLane> withdrawnWith(CompletableFuture<OpenLane> dialled) {
    var unusedCancel = lane.whenComplete((open, failure) -> dialled.cancel(false));
    return dialled;
  }

  /** Of a lane that was lost before it was wanted, or had no place among the strangers. */
  private static boolean isWorthAnother(Throwable failure, CompletableFuture<Pass> shown) {
    return !shown.isDone()
        || (FutureFailure.unwrapped(failure) instanceof JoinException refused
            && refused.reason() == Reason.BUSY);
  }
}
