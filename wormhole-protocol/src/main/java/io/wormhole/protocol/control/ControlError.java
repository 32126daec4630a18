package io.wormhole.protocol.control;

import org.jspecify.annotations.Nullable;

/**
 * A failure as a person and a script see it.
 *
 * @param message what happened, and to what; one line without a full stop
 * @param next what to do about it; one line
 */
public record ControlError(ErrorKind kind, String message, @Nullable String next) {
  /** What happened and what to do next in one line. */
  public String line() {
    return next == null ? message : message + "; " + next;
  }

  /** The JSON object of a failure: {@code {"error":{…}}}. */
  public record Envelope(ControlError error) {}
}
