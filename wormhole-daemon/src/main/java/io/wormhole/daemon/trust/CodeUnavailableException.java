package io.wormhole.daemon.trust;

/** A code cannot go live. */
public final class CodeUnavailableException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String next;

  CodeUnavailableException(String message, String next) {
    super(message);
    this.next = next;
  }

  /** What the person can do about it: one line, no full stop. */
  public String next() {
    return next;
  }
}
