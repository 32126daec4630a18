package io.wormhole.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.cache.disk.DiskTier.Found;
import io.wormhole.protocol.hash.Blake3;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is done to the files, and whenever the process dies: no wrong byte, and it goes on. */
@Timeout(300)
class DamageTest {
  private static final Blake3 BLAKE3 = Blake3.plain();
  private static final int CHUNK = 128 << 10;
  private static final int PAGES = 4;
  private static final int CHUNKS_A_PAGE = 40;
  private static final long LIMIT = 8 << 20;

  @TempDir Path folder;

  private DiskTier open() throws IOException {
    return DiskTier.open(folder.resolve("l2"), LIMIT, 0, BLAKE3, Clock.systemUTC());
  }

  /** What belongs into a place, of a length that depends on it too. */
  private static byte[] bytes(int page, int index) {
    Random random = new Random(page * 1000L + index);
    byte[] bytes = new byte[1 + random.nextInt(random.nextBoolean() ? CHUNK : 20_000)];
    random.nextBytes(bytes);
    return bytes;
  }

  private static void put(DiskTier tier, int page, int index) {
    MemorySegment bytes = MemorySegment.ofArray(bytes(page, index));
    tier.put(new PageKey(page, page), index, false, BLAKE3.hash(bytes).hash(), bytes);
  }

  private static void fill(DiskTier tier) {
    for (int i = 0; i < PAGES * CHUNKS_A_PAGE; i++) {
      put(tier, i % PAGES, i / PAGES);
    }
  }

  /** How much is there, all of it right. */
  private static int check(DiskTier tier) {
    int held = 0;
    byte[] read = new byte[CHUNK];
    for (int page = 0; page < PAGES; page++) {
      for (int index = 0; index < CHUNKS_A_PAGE; index++) {
        Optional<Found> found =
            tier.read(new PageKey(page, page), index, MemorySegment.ofArray(read));
        if (found.isPresent()) {
          assertThat(Arrays.copyOf(read, found.get().length()))
              .as("chunk %d of page %d", index, page)
              .isEqualTo(bytes(page, index));
          held++;
        }
      }
    }
    return held;
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("l2"))) {
      return files.filter(file -> !file.endsWith("lock")).sorted().toList();
    }
  }

  private void spoil(Random random) throws IOException {
    Path file = files().get(random.nextInt(files().size()));
    try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
      long length = opened.length();
      switch (random.nextInt(4)) {
        case 0 -> opened.setLength(length == 0 ? 0 : random.nextLong(length));
        case 1 -> Files.delete(file);
        case 2 -> {
          // A sector that was never written, or holds something else.
          byte[] sector = new byte[512];
          if (random.nextBoolean()) {
            random.nextBytes(sector);
          }
          opened.seek(random.nextLong(length / 512 + 1) * 512);
          opened.write(sector);
        }
        default -> {
          if (length > 0) {
            long at = random.nextLong(length);
            opened.seek(at);
            int before = opened.read();
            opened.seek(at);
            opened.write(before ^ (1 << random.nextInt(8)));
          }
        }
      }
    }
  }

  @Test
  void filesThatWereSpoiledBetweenStartsGiveNoWrongByte() throws Exception {
    Random random = new Random(1);
    try (DiskTier tier = open()) {
      fill(tier);
    }
    int held = 0;
    for (int round = 0; round < 60; round++) {
      for (int i = random.nextInt(3); i >= 0; i--) {
        spoil(random);
      }
      try (DiskTier tier = open()) {
        held += check(tier);
        fill(tier);
        assertThat(check(tier)).as("after round %d", round).isPositive();
      }
    }
    assertThat(held).isPositive();
  }

  @Test
  void filesThatAreSpoiledWhileTheyAreOpenGiveNoWrongByte() throws Exception {
    Random random = new Random(2);
    for (int round = 0; round < 20; round++) {
      try (DiskTier tier = open()) {
        fill(tier);
        tier.flush();
        spoil(random);
        check(tier);
        fill(tier);
        check(tier);
      }
    }
  }

  @Test
  void processThatIsKilledLeavesNoWrongByte() throws Exception {
    kill(5);
  }

  @Test
  @Tag("soak")
  void processThatIsKilledAHundredTimesLeavesNoWrongByte() throws Exception {
    kill(100);
  }

  private void kill(int rounds) throws Exception {
    Random random = new Random(3);
    int held = 0;
    for (int round = 0; round < rounds; round++) {
      ProcessBuilder builder =
          new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
          .filter(argument -> argument.startsWith("--"))
          .forEach(builder.command()::add);
      builder
          .command()
          .addAll(
              List.of(
                  "-cp",
                  System.getProperty("java.class.path"),
                  Victim.class.getName(),
                  folder.toString()));
      Process victim = builder.redirectErrorStream(true).start();
      try (BufferedReader said = victim.inputReader()) {
        assertThat(said.lines().anyMatch("writing"::equals)).isTrue();
        assertThat(victim.waitFor(random.nextInt(400), TimeUnit.MILLISECONDS)).isFalse();
      }
      victim.destroyForcibly().waitFor();
      try (DiskTier tier = open()) {
        held += check(tier);
      }
    }
    assertThat(held).isPositive();
  }

  /** Writes until it is killed. */
  static final class Victim {
    private Victim() {}

    static void main(String[] arguments) throws Exception {
      Random random = new Random();
      try (DiskTier tier =
          DiskTier.open(Path.of(arguments[0], "l2"), LIMIT, 0, BLAKE3, Clock.systemUTC())) {
        put(tier, 0, 0);
        tier.flush();
        System.out.println("writing");
        while (true) {
          put(tier, random.nextInt(PAGES), random.nextInt(CHUNKS_A_PAGE));
          if (random.nextInt(20) == 0) {
            tier.flush();
          }
        }
      }
    }
  }
}
