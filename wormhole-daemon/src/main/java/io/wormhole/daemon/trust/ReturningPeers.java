package io.wormhole.daemon.trust;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.trust.HostHandshake.Proven;
import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.daemon.trust.SessionAcceptor.Hosted;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.RefusalReason;
import java.util.Optional;
import java.util.function.Function;

/**
 * Lets peers in who have proved a code of a share before: TLS has proved that it is their key, and
 * the key has a grant. Any thread.
 */
final class ReturningPeers {
  private final PinnedPeers pins;
  private final Function<Grant, Optional<Hosted>> hosted;

  /**
   * @param hosted what the share of a grant has for its peer; empty while it is not hosted
   */
  ReturningPeers(PinnedPeers pins, Function<Grant, Optional<Hosted>> hosted) {
    this.pins = pins;
    this.hosted = hosted;
  }

  /**
   * What a key gets at a share: never more than it was granted, nor than this hosting gives. Asked
   * again once the peer stands among those whom the end of a share, or of a grant, sends away.
   *
   * @param share from the wire
   * @throws RefusedException if the key has no grant, which says nothing of what is hosted; or if
   *     it has one, and the share is not hosted
   */
  Proven admit(Fingerprint peer, ByteString share) throws RefusedException {
    if (share.size() != ShareId.BYTES) {
      throw RefusedException.malformed("the share of the hello");
    }
    ShareId id = ShareId.of(share.toByteArray());
    Grant grant =
        pins.grant(peer, id)
            .orElseThrow(() ->
                new RefusedException(
                    RefusalReason.REFUSAL_REASON_NO_GRANT,
                    "this key may not come to this share without a code"));
    Hosted now =
        hosted
            .apply(grant)
            .orElseThrow(() ->
                new RefusedException(
                    RefusalReason.REFUSAL_REASON_NOT_HOSTED, "the share is not hosted just now"));
    if (!now.takesBack()) {
      throw new RefusedException(
          RefusalReason.REFUSAL_REASON_NO_GRANT, "this host takes nobody back without a new code");
    }
    return new Proven(now.offer(), grant.name(), grant.writable() && now.offer().writable());
  }
}
