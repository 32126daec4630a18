package io.wormhole.daemon.trust;

import io.wormhole.protocol.name.DisplayName;
import io.wormhole.protocol.wire.ShareId;

/**
 * What a code opens.
 *
 * @param shareName told to whoever has proved the code; made fit as {@link DisplayName}
 * @param writable whether this code gives the right to write; a client gets it if it wants it
 */
public record Offer(ShareId share, String shareName, boolean writable) {
  private static final String NAMELESS = "share";

  public Offer {
    shareName = DisplayName.of(shareName, NAMELESS).text();
  }
}
