package io.wormhole.cli;

import io.wormhole.protocol.control.ControlError;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.ParameterException;

/** All commands, and what their failures become. */
final class CommandTree {
  private CommandTree() {}

  @Command(
      name = "wormhole",
      synopsisSubcommandLabel = "COMMAND",
      description = "Share a folder in place; mount it elsewhere with a join code.",
      footer = {"", "wormhole help COMMAND says more."})
  private static final class Root {}

  /** Runs one command; returns its exit code. */
  static int execute(Session session, String... args) {
    DaemonCommand daemon = new DaemonCommand();
    CommandLine tree =
        new CommandLine(new Root())
            .addSubcommand("host", new HostCommand(session))
            .addSubcommand("mount", new MountCommand(session))
            .addSubcommand("unmount", new UnmountCommand(session))
            .addSubcommand("status", new StatusCommand(session))
            .addSubcommand("cache", new CacheCommand().tree(session))
            .addSubcommand("peers", new PeersCommand().tree(session))
            .addSubcommand("daemon", daemon.tree(session))
            .addSubcommand("config", new ConfigCommand().tree(session))
            .addSubcommand("doctor", new DoctorCommand(session))
            .addSubcommand("demo", new DemoCommand(session))
            .addSubcommand("version", new VersionCommand(session))
            .addSubcommand("help", new HelpCommand());
    tree.addMixin("options", new OutputOptions());
    OutputOptions options = new OutputOptions();
    options.json = Arrays.asList(args).contains("--json");
    Output output = session.output(options);
    return tree.setColorScheme(
            CommandLine.Help.defaultColorScheme(session.terminal().colour() ? Ansi.ON : Ansi.OFF))
        .setOut(new PrintWriter(session.terminal().out(), true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(session.terminal().err(), true, StandardCharsets.UTF_8))
        .setParameterExceptionHandler((e, _) -> wrongUsage(output, e))
        .setExecutionExceptionHandler((e, _, _) -> failed(output, e))
        .execute(args);
  }

  private static int wrongUsage(Output output, ParameterException e) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    String message = String.valueOf(e.getMessage()).replace('\n', ' ');
    output.fail(new ControlError(ErrorKind.USAGE, message, "see " + command + " --help"));
    return ExitCode.USAGE;
  }

  private static int failed(Output output, Exception e) {
    if (e instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    ControlError error =
        e instanceof ControlException known
            ? known.error()
            : new ControlError(ErrorKind.FAILED, "this should not happen: " + e, null);
    output.fail(error);
    return error.kind().exitCode();
  }
}
