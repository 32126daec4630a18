package io.wormhole;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Needs root and /dev/fuse; where they truly lack, the test is skipped and says so. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RealMount.Condition.class)
@interface RealMount {
  /** Whether this machine can mount. */
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      boolean root = "root".equals(System.getProperty("user.name"));
      boolean device = Files.isWritable(Path.of("/dev/fuse"));
      if (root && device) {
        return ConditionEvaluationResult.enabled("root, and /dev/fuse is there");
      }
      String lack = root ? "/dev/fuse is missing" : "not root";
      System.err.printf("SKIPPED, nothing was proved: %s (%s)%n", context.getDisplayName(), lack);
      return ConditionEvaluationResult.disabled(lack);
    }
  }
}
