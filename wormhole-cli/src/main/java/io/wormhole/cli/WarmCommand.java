package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.PinsAnswer.Pin;
import io.wormhole.protocol.control.PinsAnswer.State;
import io.wormhole.protocol.settings.ByteSize;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Fetches something of a mount to this disk. */
@Command(
    name = "warm",
    description =
        "Fetch a file of a mount, or a folder and all below it, so that it is on this disk."
            + " Ctrl-C is safe; what is there is not fetched again.")
final class WarmCommand implements Callable<Integer> {
  private final Session session;

  @Mixin OutputOptions options = new OutputOptions();

  @Parameters(paramLabel = "PATH", description = "a file or folder in a mount")
  String given = "";

  WarmCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws ControlException, InterruptedException, IOException {
    Output output = session.output(options);
    String path = CacheCommand.inMount(session.arguments().path(given)).toString();
    Optional<Pin> warmed =
        Fetch.of(
            ControlPaths.WARM,
            path,
            session.runningDaemon(output),
            output,
            "Stopped; the same command goes on from here.");
    if (warmed.isEmpty()) {
      return ExitCode.FAILED;
    }
    Pin here = warmed.get();
    if (here.state() != State.CURRENT) {
      String why = here.lastError();
      throw new ControlException(
          ErrorKind.FAILED,
          "%s of %s are fetched: %s"
              .formatted(
                  ByteSize.text(here.bytesDone()),
                  ByteSize.text(here.bytesTotal()),
                  why == null ? "some files change all the time" : SafeText.name(why)),
          "the same command tries the rest again");
    }
    output.say(
        "%d files, %s, are fetched".formatted(here.files(), ByteSize.text(here.bytesDone())));
    return ExitCode.DONE;
  }
}
