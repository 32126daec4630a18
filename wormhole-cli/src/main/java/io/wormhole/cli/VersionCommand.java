package io.wormhole.cli;

import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.Version;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Says which version this is. */
@Command(name = "version", description = "Print the version.")
final class VersionCommand implements Callable<Integer> {
  private final Session session;

  @Mixin OutputOptions options = new OutputOptions();

  VersionCommand(Session session) {
    this.session = session;
  }

  /** The JSON form. */
  private record Answer(String version, String java, String os) {}

  @Override
  public Integer call() {
    Output output = session.output(options);
    String os = System.getProperty("os.name") + " " + System.getProperty("os.arch");
    Answer answer = new Answer(Version.current(), Runtime.version().toString(), os);
    if (output.isJson()) {
      output.result(answer);
    } else if (output.isQuiet()) {
      output.result(answer.version());
    } else {
      output.result("wormhole " + answer.version() + " (Java " + answer.java() + ", " + os + ")");
    }
    return ExitCode.DONE;
  }
}
