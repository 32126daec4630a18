package io.wormhole.protocol.control;

import java.util.Objects;

/**
 * Asks for a peer or a known share to be called something else, here alone.
 *
 * @param peer its name, or the beginning of its fingerprint
 */
public record RenamePeerRequest(String peer, String name) {
  public RenamePeerRequest {
    Objects.requireNonNull(peer, "peer");
    Objects.requireNonNull(name, "name");
  }
}
