package io.wormhole.protocol.join;

/**
 * A text is no join code and no ticket. The message is one line for a person; it shows at most one
 * symbol of what was typed, because the rest may be a secret.
 */
public final class JoinCodeException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What is wrong with the text. */
  public enum Problem {
    /** A code that has not twelve symbols. */
    LENGTH,
    /** A character that neither has. */
    SYMBOL,
    /** The check symbol or the check sum does not fit: something was mistyped or lost. */
    CHECK,
    /** Of a later version than this program knows. */
    VERSION
  }

  private final Problem problem;

  JoinCodeException(Problem problem, String message) {
    super(message);
    this.problem = problem;
  }

  public Problem problem() {
    return problem;
  }
}
