package io.wormhole.protocol.control;

import java.io.IOException;

/** The other end of a control connection does not speak its protocol. */
public final class HttpException extends IOException {
  private static final long serialVersionUID = 1L;

  public HttpException(String message) {
    super(message);
  }
}
