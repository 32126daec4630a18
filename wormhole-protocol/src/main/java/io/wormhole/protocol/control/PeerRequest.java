package io.wormhole.protocol.control;

import java.util.Objects;

/**
 * Asks for something to be done to a peer or a known share.
 *
 * @param peer its name, or the beginning of its fingerprint
 */
public record PeerRequest(String peer) {
  public PeerRequest {
    Objects.requireNonNull(peer, "peer");
  }
}
