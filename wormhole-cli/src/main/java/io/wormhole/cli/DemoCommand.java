package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.settings.ByteSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows on one machine that it works, and how well. */
@Command(
    name = "demo",
    description = {
      "Share a sample folder and mount it, both on this machine, by two daemons of their own;",
      "read it back through the mount, compare every byte, print figures, and clean up."
    })
final class DemoCommand implements Callable<Integer> {
  private final Session session;

  @Mixin OutputOptions options = new OutputOptions();

  /** For the launcher's build, which wants one process to do what a host does and a mount. */
  @Option(names = "--one-daemon", hidden = true)
  boolean oneDaemon;

  DemoCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws ControlException, InterruptedException, IOException {
    Output output = session.output(options);
    if (Files.notExists(Path.of("/dev/fuse"))) {
      throw new ControlException(
          ErrorKind.MISSING_PREREQUISITE, "there is no /dev/fuse", "as root: modprobe fuse");
    }
    Thread self = Thread.currentThread();
    Path base = Files.createTempDirectory("wormhole-demo-");
    DemoRun run = new DemoRun(session, base, oneDaemon, output);
    try (Interruption interruption =
        Interruption.of(() -> {
          run.releaseReaders();
          self.interrupt();
        })) {
      interruption.exitWith(ExitCode.FAILED);
      return report(run.run(), output);
    }
  }

  private static int report(DemoRun.Measured figures, Output output) throws ControlException {
    if (output.isJson()) {
      output.result(figures);
    } else {
      output.say("first byte   " + Figures.millis(figures.firstByteMillis()));
      output.say("stat         " + Figures.millis(figures.statMillis()));
      output.say(
          "listing      %s for %d entries and their attributes"
              .formatted(Figures.millis(figures.listMillis()), DemoFolder.MANY_FILES));
      output.say("sequential   " + Figures.rate(figures.sequentialBytesPerSecond()));
    }
    if (figures.differences().isEmpty()) {
      output.say(
          "equal        %d entries, %s: every name, time and byte"
              .formatted(figures.entries(), ByteSize.text(figures.bytes())));
      return ExitCode.DONE;
    }
    if (output.isJson()) {
      return ExitCode.FAILED;
    }
    for (String difference : figures.differences()) {
      output.warn(difference);
    }
    throw new ControlException(
        ErrorKind.FAILED, "the mount shows something else than the folder", "please report this");
  }
}
