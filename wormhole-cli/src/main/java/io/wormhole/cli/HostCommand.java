package io.wormhole.cli;

import io.wormhole.protocol.control.CacheEvent;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.control.MountEvent;
import io.wormhole.protocol.control.ShareEvent;
import io.wormhole.protocol.control.ShareEvent.Shared;
import io.wormhole.protocol.control.StopSharingAnswer;
import io.wormhole.protocol.control.StopSharingRequest;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.JoinCodeException;
import io.wormhole.protocol.settings.ByteSize;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shares a folder until told to end. */
@Command(name = "host", description = "Share a folder, read-only, and print a join code for it.")
final class HostCommand implements Callable<Integer> {
  private static final Duration OPEN_LIMIT = Duration.ofSeconds(40);

  /** The daemon says something each second. */
  private static final Duration SILENCE_LIMIT = Duration.ofSeconds(30);

  private static final Duration STOP_LIMIT = Duration.ofSeconds(15);

  private final Session session;

  @Mixin OutputOptions options = new OutputOptions();

  @Parameters(paramLabel = "DIR", description = "the folder")
  String directory = "";

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "what the share is called; the folder's own name by default")
  @Nullable String name;

  @Option(
      names = "--bind",
      paramLabel = "ADDR:PORT",
      description = "where to listen; all interfaces and a port that is kept by default")
  @Nullable String bind;

  @Option(
      names = "--code",
      paramLabel = "CODE",
      description =
          "a code of your choice, its last symbol fitting the others; a new one by default")
  @Nullable String code;

  @Option(
      names = "--expire",
      paramLabel = "TIME",
      description = "how long code and ticket are good: 30m, 24h, 7d; 24h by default")
  @Nullable String expire;

  @Option(
      names = "--once",
      description = "code and ticket end when the first of them has let somebody in")
  boolean once;

  @Option(
      names = "--exclude",
      paramLabel = "GLOB",
      description = {
        "what is not shown, as in .gitignore: *.key, /private/, !keep.key; may be given often,"
            + " the last one that matches decides"
      })
  List<String> excludes = new ArrayList<>();

  @Option(names = "--only-new", description = "peers who were let in before need a code again")
  boolean onlyNew;

  @Option(
      names = {"-d", "--detach"},
      description = "leave the share to the daemon, which shares it after a restart too")
  boolean detached;

  @Option(names = "--stop", description = "end a share that was left to the daemon")
  boolean stop;

  @Option(names = "--allow-write", hidden = true)
  boolean allowWrite;

  HostCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws ControlException, InterruptedException, IOException {
    if (allowWrite) {
      throw new ControlException(
          ErrorKind.USAGE,
          "--allow-write: writing does not exist yet, shares are read-only",
          "leave --allow-write out");
    }
    Output output = session.output(options);
    if (stop) {
      return stop(output);
    }
    String address = bind == null ? null : Arguments.address("--bind", bind, 0);
    String chosen = code == null ? null : chosenCode(code);
    Long seconds = expire == null ? null : Long.valueOf(Arguments.seconds("--expire", expire));
    String path = session.arguments().path(directory).toString();
    HostRequest request =
        new HostRequest(path, name, address, chosen, seconds, once, excludes, onlyNew, detached);
    ControlClient client = session.runningDaemon(output);
    try (EventStream stream = client.open(ControlPaths.SHARES, request, OPEN_LIMIT)) {
      return detached ? handedOver(stream, output) : follow(stream, output);
    }
  }

  private int stop(Output output) throws ControlException {
    if (name != null
        || bind != null
        || code != null
        || expire != null
        || once
        || onlyNew
        || detached
        || !excludes.isEmpty()) {
      throw new ControlException(
          ErrorKind.USAGE, "--stop goes with no other option", "wormhole host DIR --stop");
    }
    ControlClient client = session.client();
    if (!client.daemonListens()) {
      throw new ControlException(
          ErrorKind.NOT_SHARED,
          "no daemon is running, so nothing is shared",
          "wormhole daemon start shares again what was left to it");
    }
    String path = session.arguments().path(directory).toString();
    StopSharingAnswer answer =
        client.post(
            ControlPaths.STOP_SHARING,
            new StopSharingRequest(path, directory),
            StopSharingAnswer.class,
            STOP_LIMIT);
    if (output.isJson()) {
      output.result(answer);
    }
    String folder = SafeText.name(answer.directory());
    output.say(
        answer.stillShared()
            ? folder + " is shared yet by a host command that runs; the daemon has let go of it"
            : folder + " is not shared any more");
    return ExitCode.DONE;
  }

  /** The share goes on without us. */
  private static int handedOver(EventStream stream, Output output) throws ControlException {
    EventStream.Line line = stream.next(SILENCE_LIMIT);
    if (line == null || !(line.event() instanceof Shared shared)) {
      throw new ControlException(
          ErrorKind.DAEMON_UNAVAILABLE, "the daemon has gone", "see wormhole daemon status");
    }
    if (output.isJson()) {
      output.result(line.text());
    }
    announce(shared, output);
    output.say(
        "It stays shared, after a restart of the daemon too: wormhole host DIR --stop ends it.");
    return ExitCode.DONE;
  }

  private static String chosenCode(String typed) throws ControlException {
    try {
      return JoinCode.parse(typed).format();
    } catch (JoinCodeException mistyped) {
      throw new ControlException(
          ErrorKind.MISTYPED_CODE,
          "--code: " + mistyped.getMessage(),
          "leave --code away to get a new code",
          mistyped);
    }
  }

  private static int follow(EventStream stream, Output output) throws ControlException {
    try (Interruption interruption = Interruption.of(() -> leave(stream, output))) {
      interruption.exitWith(ExitCode.DONE);
      while (true) {
        EventStream.Line line = stream.next(SILENCE_LIMIT);
        if (line == null || output.readerHasGone()) {
          return line == null ? lost(interruption) : ExitCode.DONE;
        }
        if (output.isJson()) {
          output.result(line.text());
        }
        switch (line.event()) {
          case Shared shared -> {
            announce(shared, output);
            output.say("Ctrl-C ends the share.");
            output.live("nobody is connected");
          }
          case ShareEvent event -> tell(event, output);
          case MountEvent _, CacheEvent _ -> {}
          case null -> {}
        }
        if (line.event() instanceof ShareEvent.Ended) {
          return interruption.happened() ? ExitCode.DONE : ExitCode.FAILED;
        }
      }
    }
  }

  private static int lost(Interruption interruption) throws ControlException {
    if (interruption.happened()) {
      return ExitCode.DONE;
    }
    throw new ControlException(
        ErrorKind.DAEMON_UNAVAILABLE,
        "the daemon has gone, and the share with it",
        "share the folder again: the daemon starts by itself");
  }

  private static void leave(EventStream stream, Output output) {
    try {
      stream.leave();
    } catch (IOException e) {
      output.detail("the daemon has gone: " + e.getMessage());
    }
  }

  private static void announce(Shared shared, Output output) {
    if (output.isQuiet() && !output.isJson()) {
      output.result(shared.code());
    }
    String name = SafeText.name(shared.share());
    output.say(
        "Sharing %s as \"%s\" (%s)"
            .formatted(
                SafeText.name(shared.directory()),
                name,
                shared.writable() ? "writable" : "read-only"));
    output.say("  code     " + output.bold(shared.code()) + until(shared));
    if (shared.ticket() != null) {
      output.say("  ticket   " + shared.ticket());
    }
    output.say("  address  " + shared.address());
    if (shared.knownPeers() > 0) {
      output.say(
          shared.knownPeers() == 1
              ? "  known    1 peer may come back without a code"
              : "  known    %d peers may come back without a code".formatted(shared.knownPeers()));
    }
    for (String hidden : shared.hiddenMounts()) {
      output.say("  not shown: " + SafeText.name(hidden) + " is another file system");
    }
    output.say("");
    output.say("On this machine:      wormhole mount " + shared.code());
    output.say(
        "On another machine:   wormhole mount " + shared.code() + " --peer " + shared.address());
    if (shared.ticket() != null) {
      output.say(
          "Or, for pasting:      wormhole mount and the ticket, which has the address in it");
    }
  }

  private static String until(Shared shared) {
    return shared.expiresAt() == null
        ? ""
        : "  (until " + Figures.localTime(Instant.parse(shared.expiresAt())) + ")";
  }

  private static void tell(ShareEvent event, Output output) {
    switch (event) {
      case Shared _ -> {}
      case ShareEvent.PeerConnected peer ->
          note(SafeText.name(peer.name()) + " has joined from " + peer.address(), output);
      case ShareEvent.PeerLeft peer ->
          note(SafeText.name(peer.name()) + " has left: " + SafeText.name(peer.reason()), output);
      case ShareEvent.Throughput figures -> output.live(live(figures));
      case ShareEvent.CodeEnded ended -> output.say(SafeText.name(ended.reason()) + ".");
      case ShareEvent.Ended ended -> output.say("The share has ended: " + ended.reason() + ".");
    }
  }

  private static void note(String line, Output output) {
    if (output.isLive()) {
      output.say(line);
    } else {
      output.detail(line);
    }
  }

  private static String live(ShareEvent.Throughput figures) {
    return figures.peers() == 0
        ? "nobody is connected"
        : "%d connected, %s, %s served"
            .formatted(
                figures.peers(),
                Figures.rate(figures.bytesPerSecond()),
                ByteSize.text(figures.bytesServed()));
  }
}
