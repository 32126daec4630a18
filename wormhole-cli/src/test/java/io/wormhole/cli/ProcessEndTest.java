package io.wormhole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** When a process is taken to have ended. */
class ProcessEndTest {
  private static final Duration SOON = Duration.ofMillis(50);
  private static final Duration LONG = Duration.ofSeconds(20);

  @Test
  void aProcessThatGoesOnHasNotEnded() throws Exception {
    Process process = new ProcessBuilder("sleep", "60").start();
    try {
      assertThat(ProcessEnd.await(process.toHandle(), SOON)).isFalse();
      process.destroy();
      assertThat(ProcessEnd.await(process.toHandle(), LONG)).isTrue();
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void oneWhoseParentNeverAsksHasEnded() throws Exception {
    Process parent = new ProcessBuilder("sh", "-c", "sleep 1 & echo $!; exec sleep 60").start();
    try {
      ProcessHandle child = ProcessHandle.of(Long.parseLong(line(parent))).orElseThrow();
      assertThat(ProcessEnd.await(child, SOON)).isFalse();
      assertThat(ProcessEnd.await(child, LONG)).isTrue();
      assertThat(child.isAlive()).isTrue();
    } finally {
      parent.destroyForcibly();
    }
  }

  private static String line(Process process) throws IOException {
    return process.inputReader(StandardCharsets.US_ASCII).readLine();
  }
}
