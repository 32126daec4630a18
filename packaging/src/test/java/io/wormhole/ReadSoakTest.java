package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Films are read in order and in jumps over a cable that is cut, from a host that is killed, while
 * files beside them are changed in place and replaced: every page that is read is one that the file
 * had, none is older than attributes may be, and no read takes longer than its deadline. Run with
 * the profile {@code soak}; {@code -Dsoak.minutes=N} says how long, {@code -Dsoak.seed=N} repeats
 * what was done when.
 */
@RealMount
@Tag("soak")
class ReadSoakTest {
  private static final Duration LENGTH = Duration.ofMinutes(Integer.getInteger("soak.minutes", 1));
  private static final long SEED = Long.getLong("soak.seed", System.nanoTime());
  private static final int FILMS = 4;
  private static final int FILM_PAGES = 8_192;
  private static final int CHANGING = 6;
  private static final int CHANGING_PAGES = 300;
  private static final int PAGE_BYTES = 4096;
  private static final int READ_PAGES_MAX = 256;
  private static final int FILM_READERS = 4;

  /** Attributes are good for three seconds; the rest is what a loaded machine may be late by. */
  private static final Duration OLD = Duration.ofSeconds(8);

  /**
   * How long after a trouble has ended a mount may give what it has, as it did without its host.
   */
  private static final Duration RECOVERY = Duration.ofSeconds(20);

  private static final int CUT_MAX_MILLIS = 40_000;

  /** Between two troubles, or half of that more or less: what is old is seen in it. */
  private static final Duration PEACE = Duration.ofSeconds(60);

  @TempDir Path temp;

  private final Random random = new Random(SEED);
  private final AtomicBoolean over = new AtomicBoolean();
  private final AtomicLong right = new AtomicLong();
  private final AtomicLong errors = new AtomicLong();
  private final AtomicLong longestNanos = new AtomicLong();
  private final List<Throwable> wrong = new CopyOnWriteArrayList<>();
  private final List<Changing> changing = new ArrayList<>();
  private volatile boolean inTrouble;
  private volatile long troubleEndedNanos = System.nanoTime() - RECOVERY.toNanos();
  private Cable cable;
  private TwoMachines machines;
  private Path folder;
  private Path mounted;
  private Shared shared;

  /** A file of which each page tells its generation, and when which began and was over. */
  private static final class Changing {
    final String name;
    final int number;

    /** By the time at which the last page of it had been written. */
    final ConcurrentSkipListMap<Long, Integer> written = new ConcurrentSkipListMap<>();

    /** The one that is being written, or was last. */
    volatile int newest;

    Changing(int number) {
      this.number = number;
      this.name = "changing-" + number;
    }

    /** What was there at that time at least. */
    int atLeast(long nanos) {
      var entry = written.floorEntry(nanos);
      return entry == null ? 0 : entry.getValue();
    }
  }

  @BeforeEach
  void shareAndMount() throws IOException, InterruptedException {
    System.out.printf("soak.seed=%d%n", SEED);
    folder = Files.createDirectory(temp.resolve("shared"));
    for (int film = 0; film < FILMS; film++) {
      write(folder.resolve("film-" + film + ".mov"), film, 0, FILM_PAGES);
    }
    for (int i = 0; i < CHANGING; i++) {
      Changing file = new Changing(FILMS + i);
      write(folder.resolve(file.name), file.number, 0, CHANGING_PAGES);
      file.written.put(System.nanoTime(), 0);
      changing.add(file);
    }
    cable = new Cable();
    machines = new TwoMachines(temp.resolve("machines"), cable);
    shared = machines.host(folder);
    // Less memory and disk than there are bytes, so that reads go to the host over and over.
    mounted = machines.mount(shared, "mnt", "--ram", "32M", "--cache-size", "64M");
  }

  @AfterEach
  void end() throws IOException {
    machines.close();
    cable.close();
    assertThat(TwoMachines.mountTable()).doesNotContain(temp.toString());
  }

  @Test
  void troubleCostsTimeAndErrorsAndNoByte() throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < FILM_READERS; i++) {
      Random own = new Random(random.nextLong());
      threads.add(start(() -> readFilm(own)));
    }
    for (Changing file : changing) {
      Random own = new Random(random.nextLong());
      threads.add(start(() -> readChanging(file, own)));
    }
    Random changes = new Random(random.nextLong());
    threads.add(start(() -> change(changes)));
    long endNanos = System.nanoTime() + LENGTH.toNanos();
    int cuts = 0;
    int kills = 0;
    while (System.nanoTime() < endNanos && wrong.isEmpty()) {
      awaitTime(
          Math.min(endNanos, System.nanoTime() + PEACE.toNanos() * random.nextInt(50, 150) / 100));
      inTrouble = true;
      if (random.nextBoolean()) {
        cuts++;
        cable.cut();
        LockSupport.parkNanos(Duration.ofMillis(random.nextInt(CUT_MAX_MILLIS)).toNanos());
        cable.mend();
      } else {
        kills++;
        TwoMachines.endDaemon(machines.sharing(), "KILL");
        shared = machines.host(folder, "--bind", shared.address());
      }
      troubleEndedNanos = System.nanoTime();
      inTrouble = false;
    }
    awaitRight();
    over.set(true);
    for (Thread thread : threads) {
      assertThat(thread.join(TwoMachines.NOBODY_HANGS)).as("%s has ended", thread).isTrue();
    }
    System.out.printf(
        "%d cuts, %d kills, %d changes, %d reads right, %d errors, longest %.1f s%n",
        cuts,
        kills,
        changing.stream().mapToInt(file -> file.newest).sum(),
        right.get(),
        errors.get(),
        longestNanos.get() / 1e9);
    assertThat(wrong).isEmpty();
    assertThat(right).as("reads in peace").hasValueGreaterThan(100);
    assertThat(Duration.ofNanos(longestNanos.get())).isLessThan(TwoMachines.NOBODY_HANGS);
    Outcome status = machines.onMounting("status", "--json");
    assertThat(status.out()).contains("\"rejected\":0");
  }

  /** Waits until the mount is read again, whatever happened last. */
  private void awaitRight() {
    long before = right.get();
    long endNanos = System.nanoTime() + TwoMachines.NOBODY_HANGS.toNanos();
    while (right.get() < before + 100 && wrong.isEmpty()) {
      assertThat(System.nanoTime()).as("it is read again").isLessThan(endNanos);
      LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }
  }

  private void awaitTime(long untilNanos) {
    while (System.nanoTime() < untilNanos && wrong.isEmpty()) {
      LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }
  }

  private interface Job {
    void run() throws IOException;
  }

  private Thread start(Job job) {
    return Thread.ofPlatform()
        .start(() -> {
          while (!over.get()) {
            try {
              job.run();
            } catch (IOException away) {
              errors.incrementAndGet();
              LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
            } catch (RuntimeException | AssertionError found) {
              wrong.add(found);
              over.set(true);
            }
          }
        });
  }

  /** One film, for a while: on from where the last read was, or from anywhere. */
  private void readFilm(Random own) throws IOException {
    int film = own.nextInt(FILMS);
    int page = own.nextInt(FILM_PAGES);
    try (FileChannel channel = FileChannel.open(mounted.resolve("film-" + film + ".mov"))) {
      for (int i = 0; i < 50 && !over.get(); i++) {
        page = own.nextInt(8) == 0 ? own.nextInt(FILM_PAGES) : page % FILM_PAGES;
        int pages = Math.min(1 + own.nextInt(READ_PAGES_MAX), FILM_PAGES - page);
        ByteBuffer read = read(channel, page, pages);
        for (int i1 = 0; i1 < pages; i1++) {
          assertThat(generation(read, i1, film, page + i1)).isZero();
        }
        right.incrementAndGet();
        page += pages;
      }
    }
  }

  private void readChanging(Changing file, Random own) throws IOException {
    try (FileChannel channel = FileChannel.open(mounted.resolve(file.name))) {
      int page = own.nextInt(CHANGING_PAGES);
      int pages = Math.min(1 + own.nextInt(READ_PAGES_MAX), CHANGING_PAGES - page);
      long began = System.nanoTime();
      int oldest = mayBeOld(began) ? 0 : file.atLeast(began - OLD.toNanos());
      ByteBuffer read = read(channel, page, pages);
      if (mayBeOld(began)) {
        oldest = 0;
      }
      for (int i = 0; i < pages; i++) {
        assertThat(generation(read, i, file.number, page + i))
            .as("%s, page %d", file.name, page + i)
            .isBetween(oldest, file.newest);
      }
      right.incrementAndGet();
    }
    LockSupport.parkNanos(Duration.ofMillis(own.nextInt(200)).toNanos());
  }

  /** Whether there was trouble so short a while before that time, or is. */
  private boolean mayBeOld(long nanos) {
    return inTrouble || nanos - troubleEndedNanos < RECOVERY.toNanos() + OLD.toNanos();
  }

  private ByteBuffer read(FileChannel channel, int page, int pages) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(pages * PAGE_BYTES);
    while (buffer.hasRemaining()) {
      long began = System.nanoTime();
      try {
        int got = channel.read(buffer, (long) page * PAGE_BYTES + buffer.position());
        assertThat(got).as("the file has not ended").isPositive();
      } finally {
        longestNanos.accumulateAndGet(System.nanoTime() - began, Math::max);
      }
    }
    return buffer;
  }

  /** Writes one file's next generation: over what is there, page by page, or in its place. */
  private void change(Random own) throws IOException {
    Changing file = changing.get(own.nextInt(CHANGING));
    int next = file.newest + 1;
    file.newest = next;
    if (own.nextBoolean()) {
      Path fresh = temp.resolve("fresh");
      write(fresh, file.number, next, CHANGING_PAGES);
      Files.move(
          fresh,
          folder.resolve(file.name),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } else {
      write(folder.resolve(file.name), file.number, next, CHANGING_PAGES);
    }
    file.written.put(System.nanoTime(), next);
    LockSupport.parkNanos(Duration.ofMillis(own.nextInt(2_000)).toNanos());
  }

  private static void write(Path path, int file, int generation, int pages) throws IOException {
    ByteBuffer one = ByteBuffer.allocate(PAGE_BYTES);
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
      for (int page = 0; page < pages; page++) {
        one.clear().putLong(generation);
        while (one.hasRemaining()) {
          one.putLong(word(file, generation, page, one.position()));
        }
        channel.write(one.flip(), (long) page * PAGE_BYTES);
      }
    }
  }

  private static long word(int file, int generation, int page, int at) {
    long all = ((long) file << 48) ^ ((long) generation << 32) ^ ((long) page << 12) ^ at;
    return all * 0x9E3779B97F4A7C15L;
  }

  /** Which generation all of a page is of. */
  private static int generation(ByteBuffer read, int index, int file, int page) {
    int from = index * PAGE_BYTES;
    int generation = (int) read.getLong(from);
    for (int at = Long.BYTES; at < PAGE_BYTES; at += Long.BYTES) {
      if (read.getLong(from + at) != word(file, generation, page, at)) {
        throw new AssertionError(
            "page %d of file %d, of generation %d, is not at %d"
                .formatted(page, file, generation, at));
      }
    }
    return generation;
  }
}
