package io.wormhole.protocol.wire;

import io.wormhole.protocol.wire.message.FailureCode;
import java.io.IOException;

/** The host answered a request with a failure. The lane goes on. */
public final class RemoteException extends IOException {
  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  public RemoteException(FailureCode code) {
    super("the host answered " + code.name());
    this.code = code;
  }

  public FailureCode code() {
    return code;
  }
}
