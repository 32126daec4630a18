package io.wormhole.daemon.control;

import io.wormhole.protocol.control.StatusAnswer.DaemonStatus;
import io.wormhole.protocol.control.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** The daemon's own process in figures. Any thread. */
final class OwnProcess {
  private static final Path STATUS = Path.of("/proc/self/status");

  private final InstantSource clock;
  private final Instant started;

  OwnProcess(InstantSource clock) {
    this.clock = clock;
    this.started = clock.instant();
  }

  long pid() {
    return ProcessHandle.current().pid();
  }

  DaemonStatus status() throws IOException {
    long uptime = Duration.between(started, clock.instant()).toSeconds();
    return new DaemonStatus(pid(), Version.current(), uptime, rssBytes());
  }

  /** Resident memory as the kernel counts it (proc_pid_status(5)); 0 where there is no /proc. */
  private static long rssBytes() throws IOException {
    if (!Files.exists(STATUS)) {
      return 0;
    }
    for (String line : Files.readAllLines(STATUS)) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    return 0;
  }
}
