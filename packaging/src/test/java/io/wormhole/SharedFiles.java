package io.wormhole;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;

/** Files on the host, and how long it takes until a change of theirs counts. */
final class SharedFiles {
  /** The version of a file that was just written is not kept. */
  static final Duration AGES = Duration.ofMillis(2500);

  /** As long as the mount and the kernel answer for the host. */
  static final Duration ATTRIBUTES_LIVE = Duration.ofMillis(3500);

  private SharedFiles() {}

  /** Bytes that are nowhere else. */
  static void write(Path file, int size, Random random) throws IOException {
    byte[] bytes = new byte[size];
    random.nextBytes(bytes);
    Files.write(file, bytes);
  }

  /** Lets time pass: what is waited for is that and nothing else. */
  static void passes(Duration time) throws IOException, InterruptedException {
    Instant end = Instant.now().plus(time);
    var _ = Await.until(time.multipliedBy(2), Instant::now, now -> now.isAfter(end));
  }
}
