package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Predicate;

/** Waits for what other processes bring about. */
final class Await {
  private static final long BETWEEN_LOOKS_MILLIS = 50;

  private Await() {}

  /** A look at what is waited for. */
  @FunctionalInterface
  interface Look<T> {
    T look() throws IOException, InterruptedException;
  }

  /**
   * Looks again and again, until something is as it should be.
   *
   * @param limit after which it fails, with what was seen last
   * @return what was seen
   */
  static <T> T until(Duration limit, Look<T> look, Predicate<T> done)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    while (true) {
      T seen = look.look();
      if (done.test(seen)) {
        return seen;
      }
      assertThat(System.nanoTime()).as("after %s: %s", limit, seen).isLessThan(end);
      Thread.sleep(BETWEEN_LOOKS_MILLIS);
    }
  }

  /** Waits for the end of a process that is no child of this one; nobody may ask how it ended. */
  static void end(ProcessHandle process, Duration limit) throws IOException, InterruptedException {
    var _ = until(limit, () -> stat(process.pid()), stat -> stat.matches("|Z( \\S+){16} 1 .*"));
  }

  /** What the kernel says of it after its name, see proc(5); empty if it is not there. */
  private static String stat(long pid) throws IOException {
    Path stat = Path.of("/proc", Long.toString(pid), "stat");
    try {
      String text = Files.readString(stat);
      return text.substring(text.lastIndexOf(')') + 2).strip();
    } catch (IOException e) {
      if (Files.exists(stat)) {
        throw e;
      }
      return "";
    }
  }
}
