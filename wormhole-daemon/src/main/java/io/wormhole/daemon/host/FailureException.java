package io.wormhole.daemon.host;

import io.wormhole.protocol.wire.message.FailureCode;

/** A request that is answered with a failure. Made often and never printed: it has no trace. */
final class FailureException extends Exception {
  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  FailureException(FailureCode code) {
    super(code.name(), null, false, false);
    this.code = code;
  }

  FailureCode code() {
    return code;
  }
}
