package io.wormhole.daemon.transport;

import java.io.IOException;

/** A lane could not be made, or is gone. */
public final class LaneException extends IOException {
  private static final long serialVersionUID = 1L;

  /** What became of the lane. */
  public enum Kind {
    /** Nobody answered in time, or the path went silent. */
    UNREACHABLE,
    /** The other end closed it. */
    CLOSED_BY_PEER,
    /** This end closed it. */
    CLOSED_HERE,
    /** The other end broke the protocol, TLS included. */
    PROTOCOL
  }

  private final Kind kind;
  private final CloseReason reason;

  public LaneException(Kind kind, CloseReason reason, String message) {
    super(message);
    this.kind = kind;
    this.reason = reason;
  }

  public Kind kind() {
    return kind;
  }

  /** What the closing end gave as its reason; {@link CloseReason#DONE} where nobody did. */
  public CloseReason reason() {
    return reason;
  }
}
