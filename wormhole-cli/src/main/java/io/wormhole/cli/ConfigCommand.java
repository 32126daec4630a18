package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.settings.Setting;
import io.wormhole.protocol.settings.Settings;
import io.wormhole.protocol.settings.SettingsFile;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The settings, without a daemon: it reads them when it starts. */
@Command(
    name = "config",
    synopsisSubcommandLabel = "(path | list | get | set)",
    description = "Show or change settings; the daemon reads them when it starts.")
final class ConfigCommand {
  private static final String LINE = "%-18s %-8s %-8s %s";

  @Mixin OutputOptions options = new OutputOptions();

  CommandLine tree(Session session) {
    return new CommandLine(this)
        .addSubcommand("path", new ShowPath(session))
        .addSubcommand("list", new ListAll(session))
        .addSubcommand("get", new Get(session))
        .addSubcommand("set", new Set(session));
  }

  private static SettingsFile file(Session session) {
    return SettingsFile.of(session.folders());
  }

  private static Setting setting(String key) throws ControlException {
    return Setting.of(key)
        .orElseThrow(() ->
            new ControlException(
                ErrorKind.USAGE, "there is no setting " + key, "see wormhole config list"));
  }

  /** The JSON form of one setting. */
  private record Value(
      String key,
      String value,
      String defaultValue,
      List<String> allowed,
      String allowedWords,
      String meaning) {
    static Value of(Setting setting, Settings settings) {
      return new Value(
          setting.key(),
          settings.value(setting),
          setting.defaultValue(),
          setting.allowed(),
          setting.allowedWords(),
          setting.meaning());
    }
  }

  /** The JSON form of all of them. */
  private record Values(String path, List<Value> settings) {}

  /** The JSON form of where they are. */
  private record Where(String path) {}

  @Command(name = "path", description = "Print where the settings stand.")
  private static final class ShowPath implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    ShowPath(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() {
      Output output = session.output(options);
      String path = file(session).path().toString();
      if (output.isJson()) {
        output.result(new Where(path));
      } else {
        output.result(path);
      }
      return ExitCode.DONE;
    }
  }

  @Command(name = "list", description = "Print every setting: its value, its default, its meaning.")
  private static final class ListAll implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    ListAll(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException {
      Output output = session.output(options);
      SettingsFile file = file(session);
      Settings settings = file.read();
      if (output.isJson()) {
        output.result(
            new Values(
                file.path().toString(),
                Stream.of(Setting.values()).map(each -> Value.of(each, settings)).toList()));
        return ExitCode.DONE;
      }
      output.say(LINE.formatted("key", "value", "default", "meaning"));
      for (Setting each : Setting.values()) {
        String meaning = each.meaning() + " (" + each.allowedWords() + ")";
        output.result(
            LINE.formatted(each.key(), settings.value(each), each.defaultValue(), meaning));
      }
      return ExitCode.DONE;
    }
  }

  @Command(name = "get", description = "Print one setting.")
  private static final class Get implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    @Parameters(paramLabel = "KEY", description = "as config list names it")
    String key = "";

    Get(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException {
      Output output = session.output(options);
      Setting setting = setting(key);
      Settings settings = file(session).read();
      if (output.isJson()) {
        output.result(Value.of(setting, settings));
      } else {
        output.result(settings.value(setting));
      }
      return ExitCode.DONE;
    }
  }

  @Command(name = "set", description = "Change one setting; the file's other lines stay.")
  private static final class Set implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    @Parameters(index = "0", paramLabel = "KEY", description = "as config list names it")
    String key = "";

    @Parameters(index = "1", paramLabel = "VALUE", description = "one of those it may have")
    String value = "";

    Set(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException {
      Output output = session.output(options);
      Setting setting = setting(key);
      SettingsFile file = file(session);
      file.set(setting, value);
      if (output.isJson()) {
        output.result(Value.of(setting, file.read()));
      } else {
        output.say(setting.key() + " is " + value);
        if (session.client().daemonListens()) {
          output.say("the daemon takes it when it starts again: wormhole daemon stop");
        }
      }
      return ExitCode.DONE;
    }
  }
}
