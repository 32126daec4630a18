package io.wormhole.cli;

import io.wormhole.protocol.settings.ByteSize;

/** How far it is with what is fetched: a line that is drawn anew, or one of JSON each time. */
final class FetchProgress {
  private final String path;
  private final Output output;
  private final long begunNanos = System.nanoTime();

  FetchProgress(String path, Output output) {
    this.path = path;
    this.output = output;
  }

  /** The JSON form. */
  private record Step(String path, long bytesDone, long bytesTotal, long bytesPerSecond) {}

  void tell(long bytesDone, long bytesTotal) {
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
