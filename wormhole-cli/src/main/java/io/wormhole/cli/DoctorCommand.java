package io.wormhole.cli;

import io.wormhole.cli.Check.State;
import io.wormhole.protocol.control.ExitCode;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Says what stands in the way on this machine, and how to mend it. Changes nothing. */
@Command(name = "doctor", description = "Check this machine; say how to mend what is wrong.")
final class DoctorCommand implements Callable<Integer> {
  private final Session session;

  @Mixin OutputOptions options = new OutputOptions();

  DoctorCommand(Session session) {
    this.session = session;
  }

  /** The JSON form. */
  private record Answer(List<Check> checks) {}

  @Override
  public Integer call() {
    Output output = session.output(options);
    List<Check> checks = new Checkup(session.folders(), session.client()).all();
    if (output.isJson()) {
      output.result(new Answer(checks));
    } else {
      for (Check check : checks) {
        show(output, check);
      }
    }
    List<Check> failed = checks.stream().filter(check -> check.state() == State.FAIL).toList();
    if (failed.isEmpty()) {
      return ExitCode.DONE;
    }
    return failed.stream().anyMatch(Check::missingPrerequisite)
        ? ExitCode.MISSING_PREREQUISITE
        : ExitCode.FAILED;
  }

  private static void show(Output output, Check check) {
    String line =
        "%-5s%-16s%s"
            .formatted(
                check.state().toString().toLowerCase(Locale.ROOT), check.name(), check.message());
    if (check.state() == State.OK) {
      output.say(line);
    } else {
      output.result(line);
    }
    if (check.next() != null) {
      output.result(" ".repeat(21) + "→ " + check.next());
    }
  }
}
