package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.Lane;

/**
 * Says who answers a peer that was let in. Called once for each stream of a lane, its first
 * included, before the peer is told that it is in: on an event loop or the gate's executor, so it
 * returns at once.
 */
public interface SessionAcceptor {
  /** Who answers on a stream of the session's control lane. */
  FrameHandler control(PeerSession session);

  /** Who answers on a stream of one of its bulk lanes. */
  FrameHandler bulk(PeerSession session, Lane lane);
}
