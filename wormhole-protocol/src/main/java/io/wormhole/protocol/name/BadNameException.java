package io.wormhole.protocol.name;

import io.wormhole.protocol.wire.message.FailureCode;
import java.io.IOException;

/**
 * A name or a path from the wire that no file may have. The request it stood in fails; the lane
 * goes on. The message never holds the name.
 */
public final class BadNameException extends IOException {
  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  BadNameException(FailureCode code, String message) {
    super(message);
    this.code = code;
  }

  /**
   * What the request is answered with: {@link FailureCode#FAILURE_CODE_BAD_NAME} or {@link
   * FailureCode#FAILURE_CODE_NAME_TOO_LONG}.
   */
  public FailureCode code() {
    return code;
  }
}
