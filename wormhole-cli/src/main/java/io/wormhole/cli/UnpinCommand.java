package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.PinRequest;
import io.wormhole.protocol.control.PinsAnswer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Keeps something no longer than other things. */
@Command(
    name = "unpin",
    description = "Keep what was pinned no longer than other things: it goes when room is needed.")
final class UnpinCommand implements Callable<Integer> {
  private static final Duration CHANGE_LIMIT = Duration.ofMinutes(3);

  private final Session session;

  @Mixin OutputOptions options = new OutputOptions();

  @Parameters(paramLabel = "PATH", description = "as wormhole cache pin shows it")
  String given = "";

  UnpinCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws ControlException, InterruptedException {
    Output output = session.output(options);
    ControlClient client = session.runningDaemon(output);
    PinRequest request = new PinRequest(real(session.arguments().path(given)).toString());
    PinsAnswer gone;
    try (ProgressLine _ = output.progress("changing the cache")) {
      gone = client.post(ControlPaths.UNPIN, request, PinsAnswer.class, CHANGE_LIMIT);
    }
    if (output.isJson()) {
      output.result(gone);
    } else {
      gone.pins().forEach(pin -> output.say(SafeText.name(pin.path()) + " is not pinned any more"));
    }
    return ExitCode.DONE;
  }

  /** Without links if that can be found out: its mount may be gone. */
  private static Path real(Path path) {
    try {
      return CacheCommand.inMount(path);
    } catch (ControlException elsewhere) {
      return path.normalize();
    }
  }
}
