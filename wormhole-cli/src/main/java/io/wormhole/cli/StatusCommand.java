package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.StatusAnswer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows what the daemon does. */
@Command(name = "status", description = "Show shares, mounts, peers and the cache, in figures.")
final class StatusCommand implements Callable<Integer> {
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(8);
  private static final String CLEAR = "\u001b[H\u001b[J";

  private final Session session;

  @Mixin OutputOptions options = new OutputOptions();

  @Option(names = "--watch", description = "show it each second, until Ctrl-C")
  boolean watch;

  StatusCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws ControlException, InterruptedException {
    Output output = session.output(options);
    ControlClient client = session.client();
    do {
      Optional<byte[]> answer = client.get(ControlPaths.STATUS, ANSWER_LIMIT);
      if (watch && output.isLive()) {
        session.terminal().out().print(CLEAR);
      }
      if (output.isJson()) {
        output.result(
            answer
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
                .orElseGet(() -> session.json().write(StatusAnswer.none())));
      } else if (answer.isPresent()) {
        StatusText.lines(client.read(answer.get(), StatusAnswer.class)).forEach(output::result);
      } else {
        output.result("no daemon is running; host and mount start it");
      }
    } while (watch && !output.readerHasGone() && !pause());
    return ExitCode.DONE;
  }

  /** A second between two looks. */
  private static boolean pause() throws InterruptedException {
    TimeUnit.SECONDS.sleep(1);
    return Thread.interrupted();
  }
}
