package io.wormhole.cli;

import io.wormhole.protocol.control.CacheChange;
import io.wormhole.protocol.control.CacheEvent;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.FolderLook;
import io.wormhole.protocol.control.MountTable;
import io.wormhole.protocol.control.ResizeCacheRequest;
import io.wormhole.protocol.control.StatusAnswer.CacheStatus;
import io.wormhole.protocol.settings.ByteSize;
import io.wormhole.protocol.settings.Setting;
import io.wormhole.protocol.settings.SettingsFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** What is kept on this disk of what was read. */
@Command(
    name = "cache",
    synopsisSubcommandLabel = "(stats | path | verify | clear | gc | resize | warm | pin | unpin)",
    description = "Show, check or change what is kept on this disk of what was read.")
final class CacheCommand {
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(15);
  private static final Duration CHANGE_LIMIT = Duration.ofMinutes(3);

  /** Between two words of how far it is. */
  private static final Duration VERIFY_LIMIT = Duration.ofMinutes(2);

  @Mixin OutputOptions options = new OutputOptions();

  CommandLine tree(Session session) {
    return new CommandLine(this)
        .addSubcommand("stats", new Stats(session))
        .addSubcommand("path", new ShowPath(session))
        .addSubcommand("verify", new Verify(session))
        .addSubcommand("clear", new Clear(session))
        .addSubcommand("gc", new Collect(session))
        .addSubcommand("resize", new Resize(session))
        .addSubcommand("warm", new WarmCommand(session))
        .addSubcommand("pin", new PinCommand(session))
        .addSubcommand("unpin", new UnpinCommand(session));
  }

  private static CacheChange change(Session session, Output output, String path, Object request)
      throws ControlException, InterruptedException {
    ControlClient client = session.runningDaemon(output);
    try (ProgressLine _ = output.progress("changing the cache")) {
      return client.post(path, request, CacheChange.class, CHANGE_LIMIT);
    }
  }

  private static int say(Output output, String what, CacheChange change) {
    if (output.isJson()) {
      output.result(change);
    } else {
      output.say(
          "%s: %d chunks are gone, %d are left"
              .formatted(what, change.dropped(), chunks(change.cache())));
    }
    return ExitCode.DONE;
  }

  private static long chunks(CacheStatus cache) {
    return cache.disk() == null ? 0 : cache.disk().chunks();
  }

  /** What is in a mount, without links. */
  static Path inMount(Path path) throws ControlException {
    try {
      // What is below it is read anyway: a mount that does not answer says so here.
      Path real = FolderLook.within(path, Path::toRealPath);
      if (MountTable.ownAround(real).isPresent()) {
        return real;
      }
      throw new ControlException(
          ErrorKind.NOT_MOUNTED,
          SafeText.name(path.toString()) + " is in no mount of wormhole",
          "wormhole status shows what is mounted where");
    } catch (NoSuchFileException none) {
      throw new ControlException(
          ErrorKind.UNREADABLE,
          "there is no " + SafeText.name(path.toString()),
          "wormhole status shows what is mounted where",
          none);
    } catch (IOException failed) {
      throw new ControlException(
          ErrorKind.UNREADABLE,
          "cannot read " + SafeText.name(path.toString()) + ": " + failed,
          "wormhole status shows what is mounted where",
          failed);
    }
  }

  /** The JSON form of where it is. */
  private record Where(String path) {}

  @Command(
      name = "stats",
      description = "Print what it holds, in RAM and on disk, and how it does.")
  private static final class Stats implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    Stats(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException {
      Output output = session.output(options);
      ControlClient client = session.runningDaemon(output);
      byte[] answer =
          client.get(ControlPaths.CACHE, ANSWER_LIMIT).orElseThrow(ControlClient::noDaemon);
      if (output.isJson()) {
        output.result(new String(answer, StandardCharsets.UTF_8));
      } else {
        StatusText.cache(client.read(answer, CacheStatus.class)).forEach(output::result);
      }
      return ExitCode.DONE;
    }
  }

  @Command(name = "path", description = "Print where it is on disk.")
  private static final class ShowPath implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    ShowPath(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() {
      Output output = session.output(options);
      String path = session.folders().chunks().toString();
      if (output.isJson()) {
        output.result(new Where(path));
      } else {
        output.result(path);
      }
      return ExitCode.DONE;
    }
  }

  @Command(
      name = "verify",
      description = "Read and hash all that is on disk; what is wrong is dropped. Ctrl-C is safe.")
  private static final class Verify implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    Verify(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException, IOException {
      Output output = session.output(options);
      ControlClient client = session.runningDaemon(output);
      long dropped;
      try (EventStream stream = client.open(ControlPaths.VERIFY_CACHE, Map.of(), VERIFY_LIMIT)) {
        dropped = verified(stream, output);
      }
      output.say(
          dropped == 0
              ? "Every chunk is what it should be."
              : dropped + " chunks were wrong, and are gone: the host is asked for them again.");
      return ExitCode.DONE;
    }

    private static long verified(EventStream stream, Output output) throws ControlException {
      try (ProgressLine progress = output.progress("verifying")) {
        while (true) {
          EventStream.Line line = stream.next(VERIFY_LIMIT);
          if (line == null) {
            throw new ControlException(
                ErrorKind.DAEMON_UNAVAILABLE, "the daemon has gone", "see wormhole daemon status");
          }
          if (output.isJson()) {
            output.result(line.text());
          }
          if (line.event() instanceof CacheEvent.Verifying(double part)) {
            progress.text(String.format(Locale.ROOT, "verifying, %.0f %%", 100 * part));
          } else if (line.event() instanceof CacheEvent.Verified(long dropped)) {
            return dropped;
          }
        }
      }
    }
  }

  @Command(name = "clear", description = "Drop all that is on disk; what is read goes on.")
  private static final class Clear implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    Clear(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException {
      Output output = session.output(options);
      return say(output, "cleared", change(session, output, ControlPaths.CLEAR_CACHE, Map.of()));
    }
  }

  @Command(name = "gc", description = "Drop what no version of a file is made of any more.")
  private static final class Collect implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    Collect(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException {
      Output output = session.output(options);
      return say(
          output, "collected", change(session, output, ControlPaths.COLLECT_CACHE, Map.of()));
    }
  }

  @Command(
      name = "resize",
      description = "Set how much of the disk it may take, at once and from now on.")
  private static final class Resize implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    @Parameters(paramLabel = "SIZE", description = "like 20G; K, M, G, T are powers of 1024")
    @Nullable String size;

    Resize(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException {
      Output output = session.output(options);
      String typed = size == null ? "" : size;
      long bytes = Arguments.cacheBytes("the size", typed);
      SettingsFile settings = SettingsFile.of(session.folders());
      String before = settings.read().value(Setting.CACHE_SIZE);
      // The setting first: a daemon that is started for this begins with it.
      settings.set(Setting.CACHE_SIZE, typed);
      boolean done = false;
      try {
        CacheChange change =
            change(session, output, ControlPaths.RESIZE_CACHE, new ResizeCacheRequest(bytes));
        done = true;
        return say(output, "resized to " + ByteSize.text(bytes), change);
      } finally {
        if (!done) {
          settings.set(Setting.CACHE_SIZE, before);
        }
      }
    }
  }
}
