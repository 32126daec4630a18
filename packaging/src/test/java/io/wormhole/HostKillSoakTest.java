package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The host's daemon is killed at random moments while a mount reads from it, and started again: no
 * byte is wrong, no read takes longer than its deadline, and each time the mount reads on. Run with
 * the profile {@code soak}; {@code -Dkills=N} says how often.
 */
@RealMount
@Tag("soak")
class HostKillSoakTest {
  private static final int KILLS = Integer.getInteger("kills", 200);
  private static final int FILE_BYTES = 256 << 20;

  /** One page, past the kernel's cache: one read here is one read of the mount. */
  private static final int READ_BYTES = 4096;

  /** So many reads are not all of what the mount holds in memory, a quarter of the file. */
  private static final int READS_OF_A_HOST = 16;

  private static final long SEED = 30;

  /** The mount's deadline, and what a loaded machine may be late by. */
  private static final Duration LONGEST = Duration.ofSeconds(35);

  /** An open looks a name up, and again if that failed: two requests. */
  private static final Duration LONGEST_OPEN = Duration.ofSeconds(65);

  private static final Duration BACK_WITHIN = Duration.ofSeconds(60);

  @TempDir Path temp;

  private static final class Reader implements Runnable {
    final AtomicBoolean done = new AtomicBoolean();
    final AtomicLong reads = new AtomicLong();
    final AtomicLong errors = new AtomicLong();
    final AtomicLong longestReadNanos = new AtomicLong();
    final AtomicLong longestOpenNanos = new AtomicLong();
    private final Path file;
    private final byte[] content;
    private final ByteBuffer memory =
        ByteBuffer.allocateDirect(2 * READ_BYTES).alignedSlice(READ_BYTES).slice(0, READ_BYTES);

    Reader(Path file, byte[] content) {
      this.file = file;
      this.content = content;
    }

    @Override
    public void run() {
      Random random = new Random(SEED);
      while (!done.get()) {
        long began = System.nanoTime();
        AtomicLong longest = longestOpenNanos;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, direct())) {
          took(began, longest);
          longest = longestReadNanos;
          for (int i = 0; i < 50 && !done.get(); i++) {
            began = System.nanoTime();
            read(channel, random.nextInt(FILE_BYTES / READ_BYTES) * READ_BYTES);
            took(began, longest);
          }
        } catch (IOException away) {
          took(began, longest);
          errors.incrementAndGet();
        }
      }
    }

    /** By its name: javac warns of the class, exported as it is. */
    private static OpenOption direct() {
      try {
        return Arrays.stream(
                Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants())
            .map(OpenOption.class::cast)
            .filter(option -> option.toString().equals("DIRECT"))
            .findFirst()
            .orElseThrow();
      } catch (ClassNotFoundException e) {
        throw new AssertionError(e);
      }
    }

    private void read(FileChannel channel, int offset) throws IOException {
      assertThat(channel.read(memory.clear(), offset)).isEqualTo(READ_BYTES);
      assertThat(memory.flip())
          .as("at %d", offset)
          .isEqualTo(ByteBuffer.wrap(content, offset, READ_BYTES));
      reads.incrementAndGet();
    }

    private static void took(long beganNanos, AtomicLong longest) {
      longest.accumulateAndGet(System.nanoTime() - beganNanos, Math::max);
    }

    /** Waits until it has read from a host again. */
    void awaitReads() {
      long before = reads.get();
      long end = System.nanoTime() + BACK_WITHIN.toNanos();
      while (reads.get() < before + READS_OF_A_HOST) {
        assertThat(System.nanoTime()).as("reads within %s", BACK_WITHIN).isLessThan(end);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
      }
    }
  }

  @Test
  void killedHostsCostTimeAndNothingElse() throws Exception {
    Path folder = Files.createDirectory(temp.resolve("shared"));
    byte[] content = new byte[FILE_BYTES];
    Random random = new Random(SEED);
    random.nextBytes(content);
    Files.write(folder.resolve("film"), content);
    try (TwoMachines machines = new TwoMachines(temp.resolve("machines"))) {
      Shared shared = machines.host(folder);
      Path mounted = machines.mount(shared, "mnt");
      Reader reader = new Reader(mounted.resolve("film"), content);
      CompletableFuture<Void> reading =
          CompletableFuture.runAsync(reader, command -> Thread.ofPlatform().start(command));
      for (int kill = 0; kill < KILLS && !reading.isDone(); kill++) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(1_500)));
        TwoMachines.endDaemon(machines.sharing(), "KILL");
        assertThat(shared.command().waitFor(20, TimeUnit.SECONDS)).isTrue();
        shared = machines.host(folder, "--bind", shared.address());
        if (!reading.isDone()) {
          reader.awaitReads();
        }
      }
      reader.done.set(true);
      reading.get(LONGEST.toSeconds(), TimeUnit.SECONDS);
      System.out.printf(
          "%d kills, %d reads, %d errors, longest read %.1f s, longest open %.1f s%n",
          KILLS,
          reader.reads.get(),
          reader.errors.get(),
          reader.longestReadNanos.get() / 1e9,
          reader.longestOpenNanos.get() / 1e9);
      assertThat(Duration.ofNanos(reader.longestReadNanos.get())).isLessThan(LONGEST);
      assertThat(Duration.ofNanos(reader.longestOpenNanos.get())).isLessThan(LONGEST_OPEN);
    }
  }
}
