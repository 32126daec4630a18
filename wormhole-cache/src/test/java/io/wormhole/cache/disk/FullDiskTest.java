package io.wormhole.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.wormhole.cache.disk.DiskTier.Found;
import io.wormhole.protocol.hash.Blake3;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cache on a small disk of its own, which others fill. Needs root, to mount one. */
@Timeout(60)
class FullDiskTest {
  private static final Blake3 BLAKE3 = Blake3.plain();
  private static final int CHUNK = 128 << 10;
  private static final long MIB = 1 << 20;
  private static final long DISK = 32 * MIB;
  private static final int CHUNKS = 400;
  private static final PageKey PAGE = new PageKey(1, 2);
  private static final Duration GOES_ON_WITHIN = Duration.ofSeconds(20);

  @TempDir private Path home;
  private Path disk;

  @BeforeEach
  void mount() throws Exception {
    assumeTrue(
        "root".equals(System.getProperty("user.name")) && Files.isExecutable(Path.of("/bin/mount")),
        "only root mounts");
    disk = Files.createDirectory(home.resolve("disk"));
    run("mount", "-t", "tmpfs", "-o", "size=" + DISK, "tmpfs", disk.toString());
  }

  @AfterEach
  void unmount() throws Exception {
    if (disk != null) {
      run("umount", disk.toString());
    }
  }

  private static void run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).inheritIO().start();
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  private DiskTier open(long limit, long floor) throws IOException {
    return DiskTier.open(disk.resolve("l2"), limit, floor, BLAKE3, Clock.systemUTC());
  }

  private long free() throws IOException {
    return Files.getFileStore(disk).getUsableSpace();
  }

  private void othersWrite(String name, long bytes) throws IOException {
    byte[] block = new byte[1 << 16];
    try (var file = Files.newOutputStream(disk.resolve(name))) {
      for (long written = 0; written < bytes; written += block.length) {
        file.write(block);
      }
    }
  }

  /** Until the disk has no more. */
  private void othersFillTheDisk() {
    try {
      othersWrite("others", DISK);
      throw new AssertionError("the disk is larger than it should be");
    } catch (IOException full) {
      assertThat(full).hasMessageContaining("No space left");
    }
  }

  private static MemorySegment bytes(int index) {
    byte[] bytes = new byte[CHUNK];
    new Random(index).nextBytes(bytes);
    return MemorySegment.ofArray(bytes);
  }

  private static void put(DiskTier tier, int index) {
    MemorySegment bytes = bytes(index);
    tier.put(PAGE, index, false, BLAKE3.hash(bytes).hash(), bytes);
  }

  private static void fill(DiskTier tier) {
    for (int index = 0; index < CHUNKS; index++) {
      put(tier, index);
    }
  }

  /** How many are there, all of them right. */
  private static int held(DiskTier tier) {
    int held = 0;
    MemorySegment read = MemorySegment.ofArray(new byte[CHUNK]);
    for (int index = 0; index < CHUNKS; index++) {
      Optional<Found> found = tier.read(PAGE, index, read);
      if (found.isPresent()) {
        assertThat(read.mismatch(bytes(index))).as("chunk %d", index).isEqualTo(-1);
        held++;
      }
    }
    return held;
  }

  private static void goesOn(DiskTier tier) throws InterruptedException {
    long deadline = System.nanoTime() + GOES_ON_WITHIN.toNanos();
    long before = tier.stats().contents();
    while (tier.stats().contents() == before) {
      assertThat(System.nanoTime()).as("it goes on in time").isLessThan(deadline);
      put(tier, CHUNKS - 1);
      put(tier, CHUNKS);
      TimeUnit.MILLISECONDS.sleep(100);
    }
  }

  @Test
  void leavesTheFloorFreeAndShrinksWhenOthersWrite() throws Exception {
    long floor = 12 * MIB;
    try (DiskTier tier = open(DISK, floor)) {
      fill(tier);
      tier.flush();
      assertThat(free()).isBetween(floor - CHUNK, floor + 2 * MIB);
      int before = held(tier);
      othersWrite("others", 6 * MIB);
      tier.flush();
      assertThat(free()).isGreaterThanOrEqualTo(floor - CHUNK);
      assertThat(held(tier)).isBetween(1, before - 40);
      assertThat(tier.stats().failures()).isZero();
    }
  }

  @Test
  void doesWithoutADiskThatIsFullAndGoesOnWhenItIsNot() throws Exception {
    try (DiskTier tier = open(DISK, 0)) {
      for (int index = 0; index < 20; index++) {
        put(tier, index);
      }
      othersFillTheDisk();
      fill(tier);
      assertThat(held(tier)).isPositive();
      assertThat(tier.stats().failures()).isPositive();
      Files.delete(disk.resolve("others"));
      goesOn(tier);
      held(tier);
    }
  }

  @Test
  void opensAfterACrashOnceADiskThatWasFullHasRoom() throws Exception {
    try (DiskTier tier = open(DISK, 0)) {
      for (int index = 0; index < 20; index++) {
        put(tier, index);
      }
    }
    Files.delete(disk.resolve("l2").resolve(ContentStore.INDEX_FILE));
    Files.delete(disk.resolve("l2").resolve(VersionTable.INDEX_FILE));
    othersFillTheDisk();
    assertThatThrownBy(() -> open(DISK, 0).close()).isInstanceOf(IOException.class);
    Files.delete(disk.resolve("others"));
    try (DiskTier tier = open(DISK, 0)) {
      assertThat(held(tier)).isEqualTo(20);
    }
  }
}
