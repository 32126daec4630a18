package io.wormhole.daemon.trust;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A file that trust rests on is missing its protection, is damaged, or cannot be read or written.
 * Nothing was replaced.
 */
public final class StateFileException extends IOException {
  private static final long serialVersionUID = 1L;

  private final String next;

  StateFileException(String message, String next) {
    super(message);
    this.next = next;
  }

  StateFileException(String message, String next, @Nullable Throwable cause) {
    super(message, cause);
    this.next = next;
  }

  /** What the person can do about it: one line, no full stop. */
  public String next() {
    return next;
  }
}
