package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * The host's daemon is killed at random moments while a mount reads, and started again: no byte is
 * wrong, and no read takes longer than its deadline. Run with the profile {@code soak}; {@code
 * -Dkills=N} says how often.
 */
@RealMount
@Tag("soak")
class HostKillSoakTest {
  private static final int KILLS = Integer.getInteger("kills", 200);
  private static final int FILE_BYTES = 256 << 20;

  /** One page: one read here is one read of the mount, or none. */
  private static final int READ_BYTES = 4096;

  private static final long SEED = 30;

  /** The mount's deadline, and what a loaded machine may be late by. */
  private static final Duration LONGEST = Duration.ofSeconds(35);

  @TempDir Path temp;

  private static final class Reader implements Runnable {
    final AtomicBoolean done = new AtomicBoolean();
    final AtomicLong reads = new AtomicLong();
    final AtomicLong errors = new AtomicLong();
    final AtomicLong longestNanos = new AtomicLong();
    private final Path file;
    private final byte[] content;
    private final ByteBuffer memory = ByteBuffer.allocate(READ_BYTES);

    Reader(Path file, byte[] content) {
      this.file = file;
      this.content = content;
    }

    @Override
    public void run() {
      Random random = new Random(SEED);
      while (!done.get()) {
        long began = System.nanoTime();
        try (FileChannel channel = FileChannel.open(file)) {
          for (int i = 0; i < 50 && !done.get(); i++) {
            began = System.nanoTime();
            read(channel, random.nextInt(FILE_BYTES / READ_BYTES) * READ_BYTES);
            took(began);
          }
        } catch (IOException away) {
          took(began);
          errors.incrementAndGet();
        }
      }
    }

    private void read(FileChannel channel, int offset) throws IOException {
      assertThat(channel.read(memory.clear(), offset)).isEqualTo(READ_BYTES);
      assertThat(memory.array())
          .as("at %d", offset)
          .isEqualTo(Arrays.copyOfRange(content, offset, offset + READ_BYTES));
      reads.incrementAndGet();
    }

    private void took(long beganNanos) {
      longestNanos.accumulateAndGet(System.nanoTime() - beganNanos, Math::max);
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
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(3_000)));
        TwoMachines.endDaemon(machines.sharing(), "KILL");
        assertThat(shared.command().waitFor(20, TimeUnit.SECONDS)).isTrue();
        shared = machines.host(folder, "--bind", shared.address());
      }
      reader.done.set(true);
      reading.get(LONGEST.toSeconds(), TimeUnit.SECONDS);
      System.out.printf(
          "%d kills, %d reads, %d errors, longest %.1f s%n",
          KILLS, reader.reads.get(), reader.errors.get(), reader.longestNanos.get() / 1e9);
      assertThat(reader.reads.get()).isPositive();
      assertThat(Duration.ofNanos(reader.longestNanos.get())).isLessThan(LONGEST);
    }
  }
}
