package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hosts that go, daemons that die: nobody hangs, and unmount always works. */
@RealMount
class LostHostMountTest {
  private static final long NOBODY_HANGS_SECONDS = 45;

  @TempDir Path temp;
  private TwoMachines machines;
  private Shared shared;
  private Path mounted;

  @BeforeEach
  void shareAndMount() throws IOException, InterruptedException {
    Path folder = Files.createDirectory(temp.resolve("shared"));
    Files.write(folder.resolve("file"), new byte[8 << 20]);
    machines = new TwoMachines(temp.resolve("machines"));
    shared = machines.host(folder);
    mounted = machines.mount(shared, "mnt");
  }

  @AfterEach
  void end() throws IOException, InterruptedException {
    machines.close();
    assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).doesNotContain(temp.toString());
  }

  private Process reader() throws IOException {
    return new ProcessBuilder("cat", mounted.resolve("file").toString())
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static void signal(String signal, long pid) throws IOException, InterruptedException {
    assertThat(TwoMachines.run("kill", "-" + signal, Long.toString(pid)).exit()).isZero();
  }

  @Test
  void readerOfAShareThatEndedGetsAnErrorAndTheMountCanBeTakenAway()
      throws IOException, InterruptedException {
    signal("INT", shared.command().pid());
    assertThat(shared.command().waitFor(NOBODY_HANGS_SECONDS, TimeUnit.SECONDS)).isTrue();
    Process reader = reader();
    assertThat(reader.waitFor(NOBODY_HANGS_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(reader.exitValue()).isNotZero();
    Outcome unmounted = machines.onMounting("unmount", mounted.toString());
    assertThat(unmounted.exit()).as(unmounted.toString()).isZero();
  }

  @Test
  void forcedUnmountWorksWhileAReaderWaitsForASilentHost()
      throws IOException, InterruptedException {
    long host = TwoMachines.daemonPid(machines.sharing());
    signal("STOP", host);
    try {
      Process reader = reader();
      Outcome unmounted = machines.onMounting("unmount", mounted.toString(), "--force");
      assertThat(unmounted.exit()).as(unmounted.toString()).isZero();
      assertThat(reader.waitFor(NOBODY_HANGS_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(reader.exitValue()).isNotZero();
    } finally {
      signal("CONT", host);
    }
  }

  @Test
  void readerOfASilentHostGetsAnErrorByTheDeadline() throws IOException, InterruptedException {
    long host = TwoMachines.daemonPid(machines.sharing());
    signal("STOP", host);
    try {
      Process reader = reader();
      assertThat(reader.waitFor(NOBODY_HANGS_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(reader.exitValue()).isNotZero();
    } finally {
      signal("CONT", host);
    }
  }

  @Test
  void mountOfAKilledDaemonIsClearedByForceAndByTheNextStart()
      throws IOException, InterruptedException {
    signal("KILL", TwoMachines.daemonPid(machines.mounting()));
    Outcome forced = machines.onMounting("unmount", mounted.toString(), "--force");
    assertThat(forced.exit()).as(forced.toString()).isZero();

    Path second = machines.mount(shared, "second");
    signal("KILL", TwoMachines.daemonPid(machines.mounting()));
    Outcome started = machines.onMounting("daemon", "start");
    assertThat(started.exit()).as(started.toString()).isZero();
    // What was left is mounted anew; what was taken away by force stays away.
    awaitMounted(second.resolve("file"));
    assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
        .containsOnlyOnce(second.toString())
        .doesNotContain(mounted.toString());
  }

  private static void awaitMounted(Path file) throws IOException, InterruptedException {
    var _ =
        Await.until(
            Duration.ofSeconds(NOBODY_HANGS_SECONDS), () -> Files.exists(file), there -> there);
  }

  @Test
  void terminatedDaemonUnmounts() throws IOException, InterruptedException {
    long daemon = TwoMachines.daemonPid(machines.mounting());
    signal("TERM", daemon);
    ProcessHandle.of(daemon)
        .ifPresent(process ->
            assertThat(process.onExit().orTimeout(30, TimeUnit.SECONDS))
                .succeedsWithin(Duration.ofSeconds(31)));
    assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
        .doesNotContain(mounted.toString());
  }
}
