package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.MountEvent;
import io.wormhole.protocol.control.MountEvent.Mounted;
import io.wormhole.protocol.control.MountRequest;
import io.wormhole.protocol.control.UnmountAnswer;
import io.wormhole.protocol.control.UnmountRequest;
import io.wormhole.protocol.settings.Setting;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Mounts a share. */
@Command(
    name = "mount",
    description =
        "Mount a share as a local folder, by its join code or ticket, or by its name the next"
            + " time.")
final class MountCommand implements Callable<Integer> {
  private static final Duration MOUNT_LIMIT = Duration.ofSeconds(70);
  private static final Duration UNMOUNT_LIMIT = Duration.ofSeconds(10);
  private static final Duration MOUNTED_LIMIT = Duration.ofDays(3650);

  private final Session session;

  @Mixin OutputOptions options = new OutputOptions();

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "CODE|TICKET|NAME",
      description =
          "the join code or the ticket, - reads it from standard input; or the name of a share that"
              + " was mounted before")
  @Nullable String code;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "DIR",
      description = "an empty folder; ~/Wormhole/NAME by default, which is made")
  @Nullable String directory;

  @Option(
      names = "--code-file",
      paramLabel = "FILE",
      description = "read the join code or the ticket from a file; - is standard input")
  @Nullable String codeFile;

  @Option(
      names = "--peer",
      paramLabel = "HOST:PORT",
      description =
          "where the host listens, as its own command says; a ticket knows that by itself")
  @Nullable String peer;

  @Option(
      names = "--ram",
      paramLabel = "SIZE",
      description = "what all mounts together keep in RAM: 96M by default")
  @Nullable String ram;

  @Option(
      names = "--cache-size",
      paramLabel = "SIZE",
      description =
          "what all mounts together keep on disk, until the daemon ends; wormhole cache resize"
              + " sets it for good")
  @Nullable String cacheSize;

  @Option(names = "--read-only", description = "mount read-only; there is nothing else yet")
  boolean readOnly;

  @Option(
      names = "--allow-other",
      description =
          "let other users of this machine in, as far as permissions go; unless you are root,"
              + " /etc/fuse.conf must have the line user_allow_other")
  boolean allowOther;

  @Option(
      names = "--fuse",
      paramLabel = "auto|device|jnr",
      description =
          "what carries the mount: the kernel's own protocol, or jnr-fuse and libfuse 2; auto takes"
              + " the first that works")
  @Nullable String fuse;

  @Option(names = "-f", description = "stay until it is unmounted; Ctrl-C unmounts")
  boolean foreground;

  MountCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws ControlException, InterruptedException, IOException {
    Output output = session.output(options);
    if (codeFile != null && directory == null) {
      directory = code;
      code = null;
    }
    String checked = JoinCodeOption.read(code, codeFile, session);
    MountRequest request =
        new MountRequest(
            checked,
            directory == null ? null : session.arguments().path(directory).toString(),
            session.userHome().resolve("Wormhole").toString(),
            peer == null ? null : Arguments.address("--peer", peer, 1),
            ram == null ? null : Long.valueOf(Arguments.bytes("--ram", ram)),
            cacheSize == null
                ? null
                : Long.valueOf(Arguments.cacheBytes("--cache-size", cacheSize)),
            foreground,
            allowOther,
            fuse == null ? null : Arguments.oneOf("--fuse", fuse, Setting.MOUNT_FUSE.allowed()));
    ControlClient client = session.runningDaemon(output);
    try (EventStream stream = open(client, request, output)) {
      Mounted mounted = mounted(stream, output);
      announce(mounted, output);
      return foreground ? stay(stream, client, mounted, output) : ExitCode.DONE;
    }
  }

  private static EventStream open(ControlClient client, MountRequest request, Output output)
      throws ControlException {
    try (ProgressLine _ = output.progress("mounting")) {
      return client.open(ControlPaths.MOUNTS, request, MOUNT_LIMIT);
    }
  }

  private static Mounted mounted(EventStream stream, Output output) throws ControlException {
    try (ProgressLine progress = output.progress("mounting")) {
      while (true) {
        EventStream.Line line = stream.next(MOUNT_LIMIT);
        if (line == null) {
          throw new ControlException(
              ErrorKind.DAEMON_UNAVAILABLE, "the daemon has gone", "see wormhole daemon status");
        }
        if (line.event() instanceof MountEvent.Progress step) {
          progress.text(step.text());
        } else if (line.event() instanceof Mounted mounted) {
          return mounted;
        }
      }
    }
  }

  private void announce(Mounted mounted, Output output) {
    if (output.isJson()) {
      output.result(mounted);
    } else if (output.isQuiet()) {
      output.result(mounted.directory());
    } else {
      String name = SafeText.name(mounted.name());
      output.say("\"" + name + "\" is mounted at " + SafeText.name(mounted.directory()));
      if (mounted.offline()) {
        output.say("Its host is away: until that is back, it shows what was seen of it before.");
      }
      if (foreground) {
        output.say("Ctrl-C unmounts.");
      }
    }
  }

  private static int stay(EventStream stream, ControlClient client, Mounted mounted, Output output)
      throws ControlException {
    try (Interruption interruption =
        Interruption.of(() -> unmount(client, mounted.directory(), stream, output))) {
      interruption.exitWith(ExitCode.FAILED);
      EventStream.Line line = stream.next(MOUNTED_LIMIT);
      if (line != null && line.event() instanceof MountEvent.Unmounted unmounted) {
        interruption.exitWith(ExitCode.DONE);
        output.say("Unmounted: " + SafeText.name(unmounted.reason()) + ".");
        return ExitCode.DONE;
      }
      if (interruption.happened()) {
        return ExitCode.FAILED;
      }
      throw new ControlException(
          ErrorKind.DAEMON_UNAVAILABLE,
          "the daemon has gone, and left " + mounted.directory() + " without answers",
          "wormhole unmount --force " + mounted.directory());
    }
  }

  private static void unmount(
      ControlClient client, String directory, EventStream stream, Output output) {
    try {
      client.post(
          ControlPaths.UNMOUNT,
          new UnmountRequest(null, directory, false),
          UnmountAnswer.class,
          UNMOUNT_LIMIT);
    } catch (ControlException e) {
      output.fail(e.error());
      try {
        stream.leave();
      } catch (IOException gone) {
        output.detail("the daemon has gone: " + gone.getMessage());
      }
    }
  }
}
