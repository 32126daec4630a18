package io.wormhole.daemon.trust;

import io.wormhole.protocol.name.DisplayName;

/**
 * What a client says of itself to a host that it joins.
 *
 * @param displayName what the host may call it; made fit as {@link DisplayName}
 * @param wantWrite whether it asks for the right to write; it may be given less
 */
public record Introduction(String displayName, boolean wantWrite) {
  private static final String NAMELESS = "somebody";

  public Introduction {
    displayName = DisplayName.of(displayName, NAMELESS).text();
  }
}
