package io.wormhole.daemon.trust;

import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.SessionLimits;

/**
 * A share that a host has let this side in to.
 *
 * @param control the control lane; the caller's to hand over and to close
 * @param host the key that proved the code
 * @param shareName what the host calls it, as {@link io.wormhole.protocol.name.DisplayName} makes
 *     it fit
 * @param writable whether this side may write
 * @param limits what the host takes from one lane; each at least 1
 * @param laneToken lets the first bulk lane in, once
 */
public record Joined(
    OpenLane control,
    Fingerprint host,
    ShareId share,
    String shareName,
    boolean writable,
    SessionLimits limits,
    LaneToken laneToken) {

  static Joined of(OpenLane control, ClientHandshake.Given given) {
    return new Joined(
        control,
        control.lane().peer(),
        given.share(),
        given.shareName(),
        given.writable(),
        given.limits(),
        given.laneToken());
  }
}
