package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.trust.BulkEntrance.Pass;
import io.wormhole.daemon.trust.JoinException.Reason;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;

/**
 * The bulk lane of a join: dialled while the control lane is still being let in, which saves the
 * round trips of a dial, and shown its token when there is one. Where that was too early, as for a
 * host that takes no more strangers, it is dialled again with the token.
 *
 * <p>Any thread; nothing here waits.
 */
final class BulkDial {
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

  /** Dials. Once. */
  void begin() {
    var unusedEnd =
        dial()
            .exceptionallyCompose(failure ->
                isWorthAnother(failure)
                    ? pass.thenCompose(known -> dial())
                    : CompletableFuture.failedFuture(failure))
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

  private CompletableFuture<OpenLane> dial() {
    CompletableFuture<OpenLane> dialled = new BulkEntrance(address, pass).start(endpoint, timer);
    var unusedCancel = lane.whenComplete((open, failure) -> dialled.cancel(false));
    return dialled;
  }

  /** Of a lane that was lost before it was wanted, or had no place among the strangers. */
  private boolean isWorthAnother(Throwable failure) {
    return !pass.isDone()
        || (failure instanceof JoinException refused && refused.reason() == Reason.BUSY);
  }
}
