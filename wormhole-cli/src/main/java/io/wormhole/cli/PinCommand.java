package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.PinsAnswer;
import io.wormhole.protocol.control.PinsAnswer.Pin;
import io.wormhole.protocol.control.PinsAnswer.State;
import io.wormhole.protocol.settings.ByteSize;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Keeps something of a mount on this disk. */
@Command(
    name = "pin",
    description =
        "Keep a file of a mount, or a folder and all below it, on this disk, and keep it current"
            + " while its host is there. Without PATH: show what is pinned.")
final class PinCommand implements Callable<Integer> {
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(15);

  private final Session session;

  @Mixin OutputOptions options = new OutputOptions();

  @Parameters(arity = "0..1", paramLabel = "PATH", description = "a file or folder in a mount")
  @Nullable String given;

  PinCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws ControlException, InterruptedException, IOException {
    Output output = session.output(options);
    ControlClient client = session.runningDaemon(output);
    String typed = given;
    if (typed == null) {
      return list(client, output);
    }
    String path = CacheCommand.inMount(session.arguments().path(typed)).toString();
    Optional<Pin> pinned =
        Fetch.of(
            ControlPaths.PIN,
            path,
            client,
            output,
            "If it was being fetched the daemon goes on with it: wormhole cache pin shows that.");
    if (pinned.isEmpty()) {
      return ExitCode.FAILED;
    }
    return say(pinned.get(), output);
  }

  private static int say(Pin pin, Output output) throws ControlException {
    if (pin.state() == State.INCOMPLETE) {
      throw new ControlException(
          ErrorKind.FAILED,
          "%s is pinned, but not all of it is here: %s"
              .formatted(SafeText.name(pin.path()), SafeText.name(String.valueOf(pin.lastError()))),
          "it is tried again each minute");
    }
    if (output.isJson()) {
      output.result(pin);
      return ExitCode.DONE;
    }
    output.say(
        "%s is pinned: %d files, %s"
            .formatted(SafeText.name(pin.path()), pin.files(), ByteSize.text(pin.bytesDone())));
    if (pin.state() != State.CURRENT) {
      output.say("Some of it is on its way yet; wormhole cache pin shows how far it is.");
    }
    return ExitCode.DONE;
  }

  private static int list(ControlClient client, Output output) throws ControlException {
    byte[] answer =
        client.get(ControlPaths.PINS, ANSWER_LIMIT).orElseThrow(ControlClient::noDaemon);
    if (output.isJson()) {
      output.result(new String(answer, StandardCharsets.UTF_8));
      return ExitCode.DONE;
    }
    PinsAnswer pins = client.read(answer, PinsAnswer.class);
    output.result(pins.pins().isEmpty() ? "nothing is pinned" : "pinned");
    for (Pin pin : pins.pins()) {
      output.result("  " + text(pin));
    }
    return ExitCode.DONE;
  }

  private static String text(Pin pin) {
    String trouble = pin.lastError();
    return "%s  %s  %d files, %s of %s%s"
        .formatted(
            SafeText.name(pin.path()),
            pin.state(),
            pin.files(),
            ByteSize.text(pin.bytesDone()),
            ByteSize.text(pin.bytesTotal()),
            trouble == null ? "" : ": " + SafeText.name(trouble));
  }
}
