package io.wormhole.daemon.fuse;

import io.wormhole.daemon.fuse.mounts.FuseDevice;
import io.wormhole.daemon.fuse.mounts.Libc;
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
public @interface RealMount {

  /** Whether this machine lets us mount. */
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      if (Libc.geteuid() != 0) {
        return skipped(context, "mounting needs root");
      }
      try {
        Libc.close(FuseDevice.open());
        return ConditionEvaluationResult.enabled("root, with " + FuseDevice.PATH);
      } catch (MountException e) {
        return skipped(context, String.valueOf(e.getMessage()));
      }
    }

    private static ConditionEvaluationResult skipped(ExtensionContext context, String reason) {
      System.err.println("SKIPPED, NOT TESTED: " + context.getDisplayName() + ": " + reason);
      return ConditionEvaluationResult.disabled(reason);
    }
  }
}
