package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.trust.BulkEntrance.Pass;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.SessionLimits;
import java.util.concurrent.CompletableFuture;

/**
 * A share that a host has let this side in to. Whoever got it closes its lanes.
 *
 * @param control the control lane; the caller's to hand over
 * @param host the key that proved the code
 * @param shareName what the host calls it, as {@link io.wormhole.protocol.name.DisplayName} makes
 *     it fit
 * @param writable whether this side may write
 * @param limits what the host takes from one lane; each at least 1
 * @param bulk the bulk lane, which is on its way; fails with a {@link JoinException} within ten
 *     seconds
 */
public record Joined(
    OpenLane control,
    Fingerprint host,
    ShareId share,
    String shareName,
    boolean writable,
    SessionLimits limits,
    CompletableFuture<OpenLane> bulk) {

  static Joined of(OpenLane control, ClientHandshake.Given given, BulkDial bulk) {
    Fingerprint host = control.lane().peer();
    return new Joined(
        control,
        host,
        given.share(),
        given.shareName(),
        given.writable(),
        given.limits(),
        bulk.show(new Pass(host, given.laneToken())));
  }

  /** Closes both lanes, the bulk lane as soon as it is there. */
  public void close() {
    control.lane().close(CloseReason.DONE);
    BulkDial.close(bulk);
  }
}
