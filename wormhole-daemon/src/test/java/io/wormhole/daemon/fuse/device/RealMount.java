package io.wormhole.daemon.fuse.device;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The tests mount for real: they need root and {@code /dev/fuse}, and say so where these are not.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RealMount.Condition.class)
@interface RealMount {

  /** Whether this machine lets us mount. */
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      if (Libc.geteuid() != 0) {
        return skipped(context, "mounting needs root");
      }
      int device = Libc.open(Device.PATH, Libc.O_RDWR | Libc.O_CLOEXEC);
      if (device < 0) {
        return skipped(context, Device.PATH + " cannot be opened, error number " + -device);
      }
      Libc.close(device);
      return ConditionEvaluationResult.enabled("root, with " + Device.PATH);
    }

    private static ConditionEvaluationResult skipped(ExtensionContext context, String reason) {
      System.err.println("SKIPPED, NOT TESTED: " + context.getDisplayName() + ": " + reason);
      return ConditionEvaluationResult.disabled(reason);
    }
  }
}
