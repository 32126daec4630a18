package io.wormhole.protocol.join;

/** The peer's SPAKE2 share is none that an honest peer can send. */
public final class Spake2Exception extends Exception {
  private static final long serialVersionUID = 1L;

  Spake2Exception(String message) {
    super(message);
  }

  Spake2Exception(String message, Throwable cause) {
    super(message, cause);
  }
}
