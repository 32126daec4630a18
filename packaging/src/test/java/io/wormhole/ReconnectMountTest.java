package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Links that drop and hosts that come back: what is open stays open, and no byte is another's. */
@RealMount
@Timeout(180)
class ReconnectMountTest {
  private static final int FILE_BYTES = 48 << 20;
  private static final int STEP_BYTES = 1 << 20;
  private static final int ENTRIES = 12_000;
  private static final Duration COMES_BACK = Duration.ofSeconds(60);

  @TempDir Path temp;
  private Path folder;
  private byte[] content;
  private @Nullable Cable cable;
  private TwoMachines machines;
  private Shared shared;
  private Path mounted;

  @BeforeEach
  void fill() throws IOException {
    folder = Files.createDirectory(temp.resolve("shared"));
    content = new byte[FILE_BYTES];
    new Random(10).nextBytes(content);
    Files.write(folder.resolve("film"), content);
  }

  private void shareAndMount() throws IOException, InterruptedException {
    machines = new TwoMachines(temp.resolve("machines"), cable);
    shared = machines.host(folder);
    mounted = machines.mount(shared, "mnt");
  }

  @AfterEach
  void end() throws IOException, InterruptedException {
    machines.close();
    if (cable != null) {
      cable.close();
    }
    assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).doesNotContain(temp.toString());
  }

  private void killTheHost() throws IOException, InterruptedException {
    long pid = TwoMachines.daemonPid(machines.sharing());
    ProcessHandle daemon = ProcessHandle.of(pid).orElseThrow();
    signal("KILL", pid);
    Await.end(daemon, Duration.ofSeconds(20));
    assertThat(shared.command().waitFor(20, TimeUnit.SECONDS)).isTrue();
  }

  private void hostAgain() throws IOException, InterruptedException {
    shared = machines.host(folder, "--bind", shared.address());
  }

  private static void signal(String signal, long pid) throws IOException, InterruptedException {
    assertThat(TwoMachines.run("kill", "-" + signal, Long.toString(pid)).exit()).isZero();
  }

  /** Reads a step, and compares it. */
  private void step(FileChannel channel, long offset) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(STEP_BYTES);
    while (buffer.hasRemaining()) {
      assertThat(channel.read(buffer, offset + buffer.position())).isPositive();
    }
    int from = (int) offset;
    assertThat(buffer.array()).isEqualTo(Arrays.copyOfRange(content, from, from + STEP_BYTES));
  }

  private void steps(FileChannel channel, int from, int to) throws IOException {
    for (int step = from; step < to; step++) {
      step(channel, (long) step * STEP_BYTES);
    }
  }

  private String state() throws IOException, InterruptedException {
    Outcome status = machines.onMounting("status", "--json");
    assertThat(status.exit()).as(status.toString()).isZero();
    return status.json("state");
  }

  private interface Attempt {
    boolean succeeds() throws IOException, InterruptedException;
  }

  private void eventually(String what, Attempt attempt) throws IOException, InterruptedException {
    long end = System.nanoTime() + COMES_BACK.toNanos();
    while (!attempt.succeeds()) {
      if (System.nanoTime() - end > 0) {
        fail("not within %s: %s; %s", COMES_BACK, what, machines.onMounting("status", "--json"));
      }
      LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
    }
  }

  @Test
  void readerGoesOnWhenAKilledHostIsBack() throws Exception {
    shareAndMount();
    try (FileChannel film = FileChannel.open(mounted.resolve("film"))) {
      steps(film, 0, 8);
      killTheHost();
      hostAgain();
      steps(film, 8, FILE_BYTES / STEP_BYTES);
    }
    assertThat(state()).isEqualTo("connected");
  }

  @Test
  void whatWasReplacedOrRemovedWhileTheHostWasAwayIsStale() throws Exception {
    Files.write(folder.resolve("removed"), content);
    shareAndMount();
    try (FileChannel film = FileChannel.open(mounted.resolve("film"));
        FileChannel removed = FileChannel.open(mounted.resolve("removed"))) {
      steps(film, 0, 1);
      steps(removed, 0, 1);
      killTheHost();
      byte[] other = new byte[FILE_BYTES];
      Path newer = Files.write(temp.resolve("other"), other);
      Files.move(newer, folder.resolve("film"), StandardCopyOption.REPLACE_EXISTING);
      Files.delete(folder.resolve("removed"));
      hostAgain();
      assertThatThrownBy(() -> steps(film, 30, 31))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Stale");
      assertThatThrownBy(() -> steps(removed, 30, 31))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Stale");
      assertThat(Files.mismatch(mounted.resolve("film"), folder.resolve("film"))).isEqualTo(-1);
    }
  }

  @Test
  void listingGoesOnWhenAKilledHostIsBack() throws Exception {
    Path many = Files.createDirectory(folder.resolve("many"));
    for (int i = 0; i < ENTRIES; i++) {
      Files.createFile(many.resolve("entry" + i));
    }
    shareAndMount();
    List<String> seen = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(mounted.resolve("many"))) {
      Iterator<Path> each = entries.iterator();
      while (seen.size() < 100) {
        seen.add(each.next().getFileName().toString());
      }
      killTheHost();
      hostAgain();
      while (each.hasNext()) {
        seen.add(each.next().getFileName().toString());
      }
    }
    assertThat(seen).hasSize(ENTRIES).doesNotHaveDuplicates();
  }

  @Test
  void shareThatEndedAndIsHostedAgainIsThereWithoutACommand() throws Exception {
    shareAndMount();
    signal("INT", shared.command().pid());
    assertThat(shared.command().waitFor(20, TimeUnit.SECONDS)).isTrue();
    eventually("an error", () -> !opens());
    eventually("the state", () -> state().equals("offline"));
    hostAgain();
    eventually("the film", this::opens);
    assertThat(Files.mismatch(mounted.resolve("film"), folder.resolve("film"))).isEqualTo(-1);
  }

  /** Whether the film can be opened; by a name that the kernel does not know yet. */
  private boolean opens() {
    try (FileChannel film = FileChannel.open(mounted.resolve("film"))) {
      return film.size() == FILE_BYTES;
    } catch (IOException away) {
      return false;
    }
  }

  @Test
  void suspendedMountGoesOn() throws Exception {
    shareAndMount();
    long daemon = TwoMachines.daemonPid(machines.mounting());
    try (FileChannel film = FileChannel.open(mounted.resolve("film"))) {
      steps(film, 0, 4);
      signal("STOP", daemon);
      // Longer than the host keeps a lane that says nothing.
      LockSupport.parkNanos(Duration.ofSeconds(35).toNanos());
      signal("CONT", daemon);
      steps(film, 4, FILE_BYTES / STEP_BYTES);
    }
  }

  @Test
  void readerGoesOnAfterACutOfTwentySeconds() throws Exception {
    Cable between = new Cable();
    cable = between;
    shareAndMount();
    try (FileChannel film = FileChannel.open(mounted.resolve("film"))) {
      steps(film, 0, 4);
      between.cut();
      Thread mender =
          Thread.ofPlatform()
              .start(() -> {
                LockSupport.parkNanos(Duration.ofSeconds(20).toNanos());
                try {
                  between.mend();
                } catch (IOException | InterruptedException failed) {
                  throw new AssertionError(failed);
                }
              });
      steps(film, 4, FILE_BYTES / STEP_BYTES);
      mender.join();
    }
    assertThat(state()).isEqualTo("connected");
  }

  @Test
  void readerGoesOnFromAnotherAddress() throws Exception {
    Cable between = new Cable();
    cable = between;
    shareAndMount();
    try (FileChannel film = FileChannel.open(mounted.resolve("film"))) {
      steps(film, 0, 4);
      between.moveTheMountingEnd();
      steps(film, 4, FILE_BYTES / STEP_BYTES);
    }
    assertThat(state()).isEqualTo("connected");
  }
}
