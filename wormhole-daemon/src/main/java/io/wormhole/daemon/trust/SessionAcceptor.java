package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.protocol.wire.ShareId;
import java.util.Optional;

/**
 * Says who answers a peer that was let in. Called once for each stream of a lane, its first
 * included, before the peer is told that it is in: on an event loop or the gate's executor, so it
 * returns at once.
 */
public interface SessionAcceptor {
  /**
   * What a share offers to peers who come back to it without a code; empty while it is not hosted.
   * Any thread; returns at once.
   */
  Optional<Offer> hosted(ShareId share);

  /**
   * Whether a share that is hosted now takes this peer back without a code. Any thread; returns at
   * once.
   */
  boolean takesBack(Grant grant);

  /** Who answers on a stream of the session's control lane. */
  FrameHandler control(PeerSession session);

  /** Who answers on a stream of one of its bulk lanes. */
  FrameHandler bulk(PeerSession session, Lane lane);
}
