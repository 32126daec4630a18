package io.wormhole.daemon.mount;

import java.io.IOException;

/** The host does not let this machine's key in any more: there is no use in asking again. */
public final class NotAdmittedException extends IOException {
  private static final long serialVersionUID = 1L;

  public NotAdmittedException(String message, Throwable cause) {
    super(message, cause);
  }
}
