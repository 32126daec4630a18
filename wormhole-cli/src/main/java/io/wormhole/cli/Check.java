package io.wormhole.cli;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.wormhole.protocol.control.ControlException;
import org.jspecify.annotations.Nullable;

/**
 * A check and what came of it.
 *
 * @param next how to mend it; null where nothing is to be mended
 * @param missingPrerequisite whether the machine or the user lacks something
 */
record Check(
    String name,
    State state,
    String message,
    @Nullable String next,
    @JsonIgnore boolean missingPrerequisite) {
  static Check ok(String name, String message) {
    return new Check(name, State.OK, message, null, false);
  }

  static Check warn(String name, String message, @Nullable String next) {
    return new Check(name, State.WARN, message, next, false);
  }

  static Check fail(String name, String message, @Nullable String next) {
    return new Check(name, State.FAIL, message, next, false);
  }

  static Check missing(String name, String message, String next) {
    return new Check(name, State.FAIL, message, next, true);
  }

  static Check refused(String name, ControlException refused) {
    return fail(name, String.valueOf(refused.getMessage()), refused.error().next());
  }

  /** What came of a check. */
  enum State {
    OK,
    WARN,
    FAIL;

    /** The word in JSON. */
    @Override
    public String toString() {
      return switch (this) {
        case OK -> "ok";
        case WARN -> "warn";
        case FAIL -> "fail";
      };
    }
  }
}
