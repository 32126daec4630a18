package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.trust.PinnedPeers.Grant;
import java.util.Optional;

/**
 * Says who answers a peer that was let in. Called once for each stream of a lane, its first
 * included, before the peer is told that it is in: on an event loop or the gate's executor, so it
 * returns at once.
 */
public interface SessionAcceptor {
  /**
   * A share as it is hosted, for one who comes back to it without a code.
   *
   * @param takesBack whether it lets him in
   */
  record Hosted(Offer offer, boolean takesBack) {}

  /**
   * What the share of a grant has for its peer; empty while it is not hosted. Any thread; returns
   * at once.
   */
  Optional<Hosted> hosted(Grant grant);

  /** Who answers on a stream of the session's control lane. */
  FrameHandler control(PeerSession session);

  /** Who answers on a stream of one of its bulk lanes. */
  FrameHandler bulk(PeerSession session, Lane lane);
}
