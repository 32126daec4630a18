package io.wormhole.daemon.transport;

/** Why an end closes a lane; the code is sent with the close. */
public enum CloseReason {
  /** Nothing more to do. */
  DONE(0),
  /** The peer broke the protocol. */
  PROTOCOL(1),
  /** The peer was refused, in words, before. */
  REFUSED(2),
  /** The share or the whole daemon ends. */
  GOODBYE(3),
  /** The peer took too long. */
  TOO_SLOW(4),
  /** The peer's right to the share was taken away. */
  REVOKED(5),
  /** The host has too many strangers at its door; the peer may come again a little later. */
  BUSY(6);

  private final int code;

  CloseReason(int code) {
    this.code = code;
  }

  /** What the last frame over TCP says, and a QUIC close in the lower half of its code. */
  public int code() {
    return code;
  }

  /** The reason of a code from the wire; an unknown one is {@link #DONE}. */
  public static CloseReason of(long code) {
    for (CloseReason reason : values()) {
      if (reason.code == code) {
        return reason;
      }
    }
    return DONE;
  }
}
