package io.wormhole.cli;

import io.wormhole.protocol.control.CacheEvent;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.PinRequest;
import io.wormhole.protocol.control.PinsAnswer.Pin;
import io.wormhole.protocol.settings.ByteSize;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * Something that the daemon fetches to this disk, and how far it is: a line that is drawn anew, or
 * one of JSON each second.
 */
final class Fetch {
  /** Between two words of how far it is. */
  private static final Duration WORD_LIMIT = Duration.ofMinutes(1);

  private static final Duration STEP = Duration.ofSeconds(1);

  private final String path;
  private final Output output;
  private final long begunNanos = System.nanoTime();
  private long toldNanos = begunNanos - STEP.toNanos();

  private Fetch(String path, Output output) {
    this.path = path;
    this.output = output;
  }

  /** The JSON form of how far it is. */
  private record Step(String path, long bytesDone, long bytesTotal, long bytesPerSecond) {}

  /**
   * Has it fetched, and waits.
   *
   * @param route what is asked of the daemon
   * @param path absolute, without links
   * @param stopped what is said if the wait is interrupted
   * @return how it stands with it; empty if the wait was interrupted
   */
  static Optional<Pin> of(
      String route, String path, ControlClient client, Output output, String stopped)
      throws ControlException, IOException {
    try (EventStream stream = client.open(route, new PinRequest(path), WORD_LIMIT);
        Interruption interruption = Interruption.of(() -> leave(stream))) {
      interruption.exitWith(ExitCode.FAILED);
      Optional<Pin> fetched = new Fetch(path, output).await(stream, interruption);
      if (fetched.isEmpty()) {
        // The process ends when the interruption is closed.
        output.say(stopped);
      }
      return fetched;
    }
  }

  private static void leave(EventStream stream) {
    try {
      stream.leave();
    } catch (IOException gone) {
      // So has the daemon.
    }
  }

  private Optional<Pin> await(EventStream stream, Interruption interruption)
      throws ControlException {
    while (!interruption.happened()) {
      EventStream.Line line = stream.next(WORD_LIMIT);
      if (line == null) {
        break;
      }
      if (line.event() instanceof CacheEvent.Fetched(Pin pin)) {
        tell(pin.bytesDone(), pin.bytesTotal());
        return Optional.of(pin);
      }
      if (line.event() instanceof CacheEvent.Fetching(String _, long done, long total)
          && System.nanoTime() - toldNanos >= STEP.toNanos()) {
        toldNanos = System.nanoTime();
        tell(done, total);
      }
    }
    if (interruption.happened()) {
      return Optional.empty();
    }
    throw new ControlException(
        ErrorKind.DAEMON_UNAVAILABLE,
        "the daemon has gone",
        "what was fetched is there; see wormhole daemon status");
  }

  private void tell(long bytesDone, long bytesTotal) {
    double seconds = Math.max(1e-3, (System.nanoTime() - begunNanos) / 1e9);
    long rate = (long) (bytesDone / seconds);
    if (output.isJson()) {
      output.result(new Step(path, bytesDone, bytesTotal, rate));
      return;
    }
    long left = Math.max(0, bytesTotal - bytesDone);
    output.live(
        "%s of %s, %s, %s left"
            .formatted(
                ByteSize.text(bytesDone),
                ByteSize.text(bytesTotal),
                Figures.rate(rate),
                rate == 0 ? "?" : Figures.duration(left / rate)));
  }
}
