package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.ComparingReader.Job;
import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mounts of either backend, on two daemons, are taken away at random moments in every way there is
 * and mounted again, while 16 processes read them and compare: no byte is wrong, nobody hangs, and
 * nothing is left behind. Run with the profile {@code soak}; {@code -Dsoak.minutes=N} says how
 * long, {@code -Dsoak.seed=N} repeats what was done to whom.
 */
@RealMount
@Tag("soak")
class MountKillSoakTest {
  private static final Duration LENGTH = Duration.ofMinutes(Integer.getInteger("soak.minutes", 1));
  private static final long SEED = Long.getLong("soak.seed", System.nanoTime());
  private static final int READERS = 16;
  private static final int MOUNTS = 6;
  private static final int PAUSE_MAX_MILLIS = 1500;
  private static final String MARKER = "marker";

  @TempDir Path temp;

  private final Random random = new Random(SEED);
  private final List<Mounted> mounts = new ArrayList<>();
  private final List<ComparingReader> readers = new ArrayList<>();
  private final Map<Blow, Integer> blows = new EnumMap<>(Blow.class);
  private TwoMachines machines;
  private Path folder;
  private Shared shared;

  /** What happens to a mount, or to all of a daemon's. */
  private enum Blow {
    DAEMON_KILLED,
    DAEMON_TERMINATED,
    UNMOUNTED,
    UNMOUNTED_BY_FORCE,
    UNMOUNTED_LAZILY
  }

  private record Mounted(Path machine, Path directory, String fuse) {}

  @BeforeEach
  void shareAndMount() throws IOException, InterruptedException {
    System.out.printf("soak.seed=%d%n", SEED);
    folder = Files.createDirectory(temp.resolve("shared"));
    ComparingReader.fill(folder, random);
    Files.writeString(folder.resolve(MARKER), MARKER);
    machines = new TwoMachines(temp.resolve("machines"));
    shared = machines.host(folder);
    List<Path> daemons = List.of(machines.mounting(), machines.another("second"));
    for (int i = 0; i < MOUNTS; i++) {
      // Of three mounts one goes by jnr; the first daemon has twice as many as the second.
      Path machine = daemons.get(i % 3 / 2);
      String fuse = i < 2 * MOUNTS / 3 ? "device" : "jnr";
      // Less memory than there are bytes, so that reads go to the host over and over.
      Path directory = machines.mountOn(machine, shared, "mnt" + i, "--fuse", fuse, "--ram", "32M");
      mounts.add(new Mounted(machine, directory, fuse));
    }
  }

  @AfterEach
  void end() throws IOException {
    readers.forEach(ComparingReader::kill);
    machines.close();
    assertThat(TwoMachines.mountTable()).doesNotContain(temp.toString());
  }

  @Test
  void killedMountsCostErrorsAndNothingElse() throws Exception {
    Path expected = ComparingReader.list(folder, temp.resolve("expected"));
    Path stop = temp.resolve("stop");
    List<Job> jobs = List.of(Job.values());
    for (int i = 0; i < READERS; i++) {
      Job job = jobs.get(i % jobs.size());
      Path mounted = mounts.get((i + i / MOUNTS) % MOUNTS).directory();
      readers.add(
          new ComparingReader(job, folder, mounted, expected, temp.resolve("reader" + i), stop));
    }
    long end = System.nanoTime() + LENGTH.toNanos();
    while (System.nanoTime() < end) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(PAUSE_MAX_MILLIS)));
      Blow blow = Blow.values()[random.nextInt(Blow.values().length)];
      Mounted mounted = mounts.get(random.nextInt(MOUNTS));
      long began = System.nanoTime();
      deal(blow, mounted);
      System.out.printf(
          "%s of %s and back in %.1f s%n",
          blow, mounted.directory().getFileName(), (System.nanoTime() - began) / 1e9);
      blows.merge(blow, 1, Integer::sum);
      for (ComparingReader reader : readers) {
        reader.check(TwoMachines.NOBODY_HANGS);
      }
    }
    Files.createFile(stop);
    for (ComparingReader reader : readers) {
      reader.awaitEnd(TwoMachines.NOBODY_HANGS);
      System.out.println(reader);
      assertThat(reader.right()).as(reader.toString()).isPositive();
    }
    System.out.println(blows);
    for (Path machine : List.of(machines.mounting(), temp.resolve("machines/second"))) {
      Outcome unmounted = machines.on(machine, "unmount", "--all");
      assertThat(unmounted.exit()).as(unmounted.toString()).isZero();
      assertThat(machines.on(machine, "status", "--json").out()).contains("\"mounts\":[]");
      assertThat(machine.resolve("state/mounts.json")).content().doesNotContain("mnt");
    }
    assertThat(TwoMachines.mountTable()).doesNotContain(temp.toString());
  }

  private void deal(Blow blow, Mounted mounted) throws IOException, InterruptedException {
    String directory = mounted.directory().toString();
    switch (blow) {
      case DAEMON_KILLED, DAEMON_TERMINATED -> {
        TwoMachines.endDaemon(mounted.machine(), blow == Blow.DAEMON_KILLED ? "KILL" : "TERM");
        succeed(mounted, "daemon", "start");
        for (Mounted each : mounts) {
          if (each.machine().equals(mounted.machine())) {
            TwoMachines.awaitContent(each.directory().resolve(MARKER), MARKER);
          }
        }
      }
      case UNMOUNTED -> {
        Outcome unmounted = machines.on(mounted.machine(), "unmount", directory);
        if (unmounted.exit() == 0) {
          mountAgain(mounted);
        } else {
          assertThat(unmounted.err()).contains("is busy", "--force").hasLineCount(1);
        }
      }
      case UNMOUNTED_BY_FORCE -> {
        succeed(mounted, "unmount", directory, "--force");
        mountAgain(mounted);
      }
      case UNMOUNTED_LAZILY -> {
        Outcome unmounted = TwoMachines.run("umount", "-l", directory);
        assertThat(unmounted.exit()).as(unmounted.toString()).isZero();
        mountAgain(mounted);
      }
    }
  }

  /** By its name: the host is known. */
  private void mountAgain(Mounted mounted) throws IOException, InterruptedException {
    succeed(mounted, "mount", "shared", mounted.directory().toString(), "--fuse", mounted.fuse());
    TwoMachines.awaitContent(mounted.directory().resolve(MARKER), MARKER);
  }

  private void succeed(Mounted mounted, String... command)
      throws IOException, InterruptedException {
    Outcome outcome = machines.on(mounted.machine(), command);
    assertThat(outcome.exit()).as("%s: %s", String.join(" ", command), outcome).isZero();
  }
}
