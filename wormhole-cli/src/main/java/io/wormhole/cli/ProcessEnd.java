package io.wormhole.cli;

import io.wormhole.protocol.control.Deadline;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** Waits for the end of a process that is not our child. */
final class ProcessEnd {
  private static final long LOOK_MILLIS = 20;

  // Fields of /proc/PID/stat after the name, see proc(5).
  private static final int STATE = 0;
  private static final int THREADS = 17;

  private ProcessEnd() {}

  /**
   * Returns when it has ended, or the time is over. {@link ProcessHandle#onExit} would look after
   * 300 ms, 900 ms, 1800 ms and so on.
   *
   * @return whether it has ended
   */
  static boolean await(ProcessHandle process, Duration limit) throws InterruptedException {
    Deadline deadline = Deadline.in(limit);
    while (!hasEnded(process)) {
      if (deadline.hasPassed()) {
        return false;
      }
      Thread.sleep(LOOK_MILLIS);
    }
    return true;
  }

  /**
   * Whether all its threads have ended, even if its parent has not asked how: the first process of
   * a container may never ask.
   */
  static boolean hasEnded(ProcessHandle process) {
    return !process.isAlive() || isZombie(process.pid());
  }

  private static boolean isZombie(long pid) {
    Path stat = Path.of("/proc", Long.toString(pid), "stat");
    try {
      String text = Files.readString(stat, StandardCharsets.ISO_8859_1);
      String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ", -1);
      return fields[STATE].equals("Z") && fields[THREADS].equals("1");
    } catch (IOException noLinuxOrGone) {
      return false;
    }
  }
}
