package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.StatusAnswer;
import io.wormhole.protocol.control.StatusAnswer.DaemonStatus;
import io.wormhole.protocol.control.StopAnswer;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The daemon by hand; other commands start it when they need it. */
@Command(
    name = "daemon",
    synopsisSubcommandLabel = "(run | start | stop | status)",
    description = "Run, start, stop or look at the daemon; other commands start it when needed.")
final class DaemonCommand {
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(8);
  private static final Duration END_LIMIT = Duration.ofSeconds(15);

  @Mixin OutputOptions options = new OutputOptions();

  CommandLine tree(Session session) {
    return new CommandLine(this)
        .addSubcommand("run", new Run(session))
        .addSubcommand("start", new Start(session))
        .addSubcommand("stop", new Stop(session))
        .addSubcommand("status", new Status(session));
  }

  /** The JSON form of all but {@code run}. */
  private record Answer(
      boolean running,
      @Nullable Long pid,
      @Nullable String version,
      @Nullable Long uptimeSeconds,
      @Nullable Long rssBytes,
      String socket,
      String log) {
    static Answer of(Session session, @Nullable DaemonStatus daemon) {
      String socket = session.folders().socket().toString();
      String log = session.folders().log().toString();
      return daemon == null
          ? new Answer(false, null, null, null, null, socket, log)
          : new Answer(
              true,
              daemon.pid(),
              daemon.version(),
              daemon.uptimeSeconds(),
              daemon.rssBytes(),
              socket,
              log);
    }
  }

  private static @Nullable DaemonStatus look(Session session) throws ControlException {
    ControlClient client = session.client();
    Optional<byte[]> answer = client.get(ControlPaths.STATUS, ANSWER_LIMIT);
    return answer.isEmpty() ? null : client.read(answer.get(), StatusAnswer.class).daemon();
  }

  private static void show(Session session, Output output, String line) throws ControlException {
    if (output.isJson()) {
      output.result(Answer.of(session, look(session)));
    } else {
      output.say(line);
    }
  }

  @Command(name = "run", description = "Run the daemon here, until Ctrl-C.")
  private static final class Run implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    Run(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
      session.output(options).detail("the daemon runs here; Ctrl-C ends it");
      Process daemon = session.starter().runHere();
      try (Interruption interruption = Interruption.of(daemon::destroy)) {
        int code = daemon.waitFor();
        interruption.exitWith(code);
        return code;
      }
    }
  }

  @Command(name = "start", description = "Start the daemon in the background.")
  private static final class Start implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    Start(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException {
      Output output = session.output(options);
      try (ProgressLine _ = output.progress("starting the daemon")) {
        session.starter().ensureRunning();
      }
      DaemonStatus daemon = look(session);
      show(
          session,
          output,
          daemon == null ? "the daemon has gone again" : StatusText.daemon(daemon));
      return daemon == null ? ExitCode.FAILED : ExitCode.DONE;
    }
  }

  @Command(name = "stop", description = "Unmount, end all shares, and stop the daemon.")
  private static final class Stop implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    Stop(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException {
      Output output = session.output(options);
      ControlClient client = session.client();
      if (!client.daemonListens()) {
        show(session, output, "no daemon is running");
        return ExitCode.DONE;
      }
      StopAnswer answer = client.post(ControlPaths.STOP, Map.of(), StopAnswer.class, ANSWER_LIMIT);
      try (ProgressLine _ = output.progress("stopping the daemon")) {
        awaitEnd(answer.pid());
      }
      show(session, output, "the daemon has stopped");
      return ExitCode.DONE;
    }

    private static void awaitEnd(long pid) throws ControlException, InterruptedException {
      Optional<ProcessHandle> process = ProcessHandle.of(pid);
      if (process.isPresent() && !ProcessEnd.await(process.get(), END_LIMIT)) {
        throw new ControlException(
            ErrorKind.TIMED_OUT,
            "the daemon, process %d, has not ended after %d s"
                .formatted(pid, END_LIMIT.toSeconds()),
            "kill -9 " + pid);
      }
    }
  }

  @Command(name = "status", description = "Say whether the daemon runs.")
  private static final class Status implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    Status(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException {
      Output output = session.output(options);
      DaemonStatus daemon = look(session);
      if (output.isJson()) {
        output.result(Answer.of(session, daemon));
      } else if (daemon == null) {
        output.result("no daemon is running");
      } else {
        output.result(StatusText.daemon(daemon));
        output.say("socket " + session.folders().socket());
        output.say("log    " + session.folders().log());
      }
      return ExitCode.DONE;
    }
  }
}
