package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A mount and its daemon die in every way there is, while a program waits in a read for a host that
 * is silent, another works in a folder of it, and a third one's mount namespace has a copy of it.
 */
@RealMount
class DeathMountTest {
  private static final long NOBODY_HANGS_SECONDS = TwoMachines.NOBODY_HANGS.toSeconds();

  @TempDir Path temp;
  private TwoMachines machines;
  private Shared shared;
  private Path mounted;
  private long host;
  private Process reader;
  private Process worker;
  private Process copier;
  private final List<Process> started = new ArrayList<>();

  @BeforeEach
  void shareMountAndUse() throws IOException, InterruptedException {
    Path folder = Files.createDirectory(temp.resolve("shared"));
    Files.createDirectory(folder.resolve("folder"));
    Files.write(folder.resolve("large"), new byte[8 << 20]);
    Files.writeString(folder.resolve("file"), "content");
    machines = new TwoMachines(temp.resolve("machines"));
    shared = machines.host(folder);
    mounted = machines.mount(shared, "mnt");
    host = TwoMachines.daemonPid(machines.sharing());
  }

  private void use() throws IOException, InterruptedException {
    worker = begin("sh", "-c", "cd \"$1/folder\" && echo in && exec sleep 300", mounted);
    copier =
        begin("unshare", "-m", "sh", "-c", "stat \"$1\" >&2 && echo in && exec sleep 300", mounted);
    reader = begin("sh", "-c", "exec 3<\"$1/large\"; echo in; read -r _; exec cat <&3", mounted);
  }

  private void readFromASilentHost() throws IOException, InterruptedException {
    use();
    signal("STOP", host);
    reader.outputWriter().append("go\n").flush();
  }

  /** Starts a program of the shell's with the mount as {@code $1}, and waits until it is there. */
  private Process begin(Object... command) throws IOException {
    List<String> words = new ArrayList<>();
    for (Object word : command) {
      words.add(word.toString());
    }
    words.add(words.size() - 1, "sh");
    Process process =
        new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    started.add(process);
    assertThat(process.getInputStream().read()).isEqualTo('i');
    return process;
  }

  @AfterEach
  void end() throws IOException, InterruptedException {
    TwoMachines.run("kill", "-CONT", Long.toString(host));
    for (Process process : started) {
      process.destroyForcibly();
      assertThat(process.waitFor(NOBODY_HANGS_SECONDS, TimeUnit.SECONDS)).isTrue();
    }
    machines.close();
    assertThat(TwoMachines.mountTable()).doesNotContain(temp.toString());
  }

  private static void signal(String signal, long pid) throws IOException, InterruptedException {
    assertThat(TwoMachines.run("kill", "-" + signal, Long.toString(pid)).exit()).isZero();
  }

  private void readerGotAnError() throws InterruptedException {
    assertThat(reader.waitFor(NOBODY_HANGS_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(reader.exitValue()).isNotZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT", "KILL"})
  void aDaemonThatEndsHoldsNobodyAndTheNextOneMountsAgain(String signal)
      throws IOException, InterruptedException {
    readFromASilentHost();
    TwoMachines.endDaemon(machines.mounting(), signal);
    readerGotAnError();
    assertThat(worker.isAlive()).isTrue();
    signal("CONT", host);
    Outcome next = machines.onMounting("daemon", "start");
    assertThat(next.exit()).as(next.toString()).isZero();
    TwoMachines.awaitContent(mounted.resolve("file"), "content");
    assertThat(TwoMachines.mountTable()).containsOnlyOnce(mounted.toString());
    Outcome unmounted = machines.onMounting("unmount", mounted.toString());
    assertThat(unmounted.exit()).as(unmounted.toString()).isZero();
  }

  @Test
  void unmountSaysWhoHoldsItAndForceTakesItFromThemAll() throws IOException, InterruptedException {
    readFromASilentHost();
    Outcome busy = machines.onMounting("unmount", mounted.toString());
    assertThat(busy.exit()).isEqualTo(1);
    assertThat(busy.err())
        .hasLineCount(1)
        .contains("sleep (process " + worker.pid() + ") works in it")
        .contains("(process " + reader.pid() + ") has a file open in it")
        .contains("--force")
        .doesNotContain(Long.toString(copier.pid()));
    Outcome forced = machines.onMounting("unmount", mounted.toString(), "--force");
    assertThat(forced.exit()).as(forced.toString()).isZero();
    readerGotAnError();
    assertThat(TwoMachines.mountTable()).doesNotContain(mounted.toString());
    assertThat(machines.onMounting("status", "--json").out()).doesNotContain(mounted.toString());
  }

  @Test
  void aCopyInAnotherNamespaceOutlivesTheUnmountUntilTheDaemonEnds()
      throws IOException, InterruptedException {
    copier =
        begin("unshare", "-m", "sh", "-c", "stat \"$1\" >&2 && echo in && exec sleep 300", mounted);
    Outcome unmounted = machines.onMounting("unmount", mounted.toString());
    assertThat(unmounted.exit()).as(unmounted.toString()).isZero();
    assertThat(TwoMachines.mountTable()).doesNotContain(mounted.toString());
    assertThat(inTheCopy().out()).isEqualTo("content");
    for (String meant : List.of("shared", mounted.toString())) {
      assertThat(machines.onMounting("mount", "shared", mounted.toString()).exit()).isZero();
      assertThat(TwoMachines.mountTable()).contains(mounted.toString());
      assertThat(machines.onMounting("unmount", meant).exit()).isZero();
      assertThat(TwoMachines.mountTable()).doesNotContain(mounted.toString());
    }
    assertThat(inTheCopy().out()).isEqualTo("content");
    TwoMachines.endDaemon(machines.mounting(), "TERM");
    // What the kernel has of the file is good for some seconds yet.
    Outcome read =
        Await.until(
            Duration.ofSeconds(10),
            () -> inTheCopy(),
            now -> {
              boolean gone = now.exit() != 0;
              assertThat(now.out()).isEqualTo(gone ? "" : "content");
              return gone;
            });
    assertThat(read.err()).contains("Transport endpoint is not connected");
    assertThat(machines.onMounting("daemon", "start").exit()).isZero();
    assertThat(machines.onMounting("status", "--json").out()).doesNotContain(mounted.toString());
  }

  private Outcome inTheCopy() throws IOException, InterruptedException {
    return TwoMachines.run(
        "nsenter",
        "-t",
        Long.toString(copier.pid()),
        "-m",
        "cat",
        mounted.resolve("file").toString());
  }

  @Test
  void aLazyUnmountLeavesReadersTheirBytesAndTheDaemonItsEnd()
      throws IOException, InterruptedException {
    use();
    assertThat(TwoMachines.run("umount", mounted.toString()).err()).contains("busy");
    assertThat(TwoMachines.run("umount", "-l", mounted.toString()).exit()).isZero();
    reader.outputWriter().append("go\n").flush();
    assertThat(reader.getInputStream().readAllBytes()).hasSizeGreaterThan(8 << 20);
    assertThat(reader.waitFor(NOBODY_HANGS_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(reader.exitValue()).isZero();
    // The worker and the copy have it still, so it is there for them until it is taken away.
    Outcome status = machines.onMounting("status", "--json");
    assertThat(status.out()).contains(mounted.toString());
    Outcome forced = machines.onMounting("unmount", mounted.toString(), "--force");
    assertThat(forced.exit()).as(forced.toString()).isZero();
    assertThat(machines.onMounting("status", "--json").out()).doesNotContain(mounted.toString());
    assertThat(TwoMachines.run("ls", "/proc/" + worker.pid() + "/cwd/").err())
        .contains("Transport endpoint is not connected");
  }
}
