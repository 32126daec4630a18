package io.wormhole.protocol.control;

import org.jspecify.annotations.Nullable;

/** A request or a command failed, and here is what to tell the person who made it. */
public final class ControlException extends Exception {
  private static final long serialVersionUID = 1L;

  private final ErrorKind kind;
  private final @Nullable String next;

  public ControlException(ErrorKind kind, String message, @Nullable String next) {
    this(kind, message, next, null);
  }

  public ControlException(
      ErrorKind kind, String message, @Nullable String next, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.next = next;
  }

  public ControlException(ControlError error) {
    this(error.kind(), error.message(), error.next());
  }

  public ErrorKind kind() {
    return kind;
  }

  public ControlError error() {
    return new ControlError(kind, String.valueOf(getMessage()), next);
  }
}
