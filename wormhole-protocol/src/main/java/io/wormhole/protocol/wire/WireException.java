package io.wormhole.protocol.wire;

import java.io.IOException;

/** The peer sent what the protocol does not allow. The lane it came on is of no more use. */
public final class WireException extends IOException {
  private static final long serialVersionUID = 1L;

  public WireException(String message) {
    super(message);
  }
}
