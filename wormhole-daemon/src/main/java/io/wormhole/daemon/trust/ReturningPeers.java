package io.wormhole.daemon.trust;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.trust.HostHandshake.Proven;
import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.RefusalReason;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Lets peers in who have proved a code of a share before: TLS has proved that it is their key, and
 * the key has a grant. Any thread.
 */
final class ReturningPeers {
  private final PinnedPeers pins;
  private final Function<ShareId, Optional<Offer>> hosted;
  private final Predicate<Grant> takenBack;

  /**
   * @param hosted what a share offers now to those who were let in before; empty while it is not
   *     hosted
   * @param takenBack whether the hosting of a grant's share takes its peer back
   */
  ReturningPeers(
      PinnedPeers pins, Function<ShareId, Optional<Offer>> hosted, Predicate<Grant> takenBack) {
    this.pins = pins;
    this.hosted = hosted;
    this.takenBack = takenBack;
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
    Offer offer =
        hosted
            .apply(id)
            .orElseThrow(() ->
                new RefusedException(
                    RefusalReason.REFUSAL_REASON_NOT_HOSTED, "the share is not hosted just now"));
    if (!takenBack.test(grant)) {
      throw new RefusedException(
          RefusalReason.REFUSAL_REASON_NO_GRANT, "this host takes nobody back without a new code");
    }
    return new Proven(offer, grant.name(), grant.writable() && offer.writable());
  }
}
