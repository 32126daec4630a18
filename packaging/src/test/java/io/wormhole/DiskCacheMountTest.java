package io.wormhole;

import static io.wormhole.SharedFiles.AGES;
import static io.wormhole.SharedFiles.ATTRIBUTES_LIVE;
import static io.wormhole.SharedFiles.passes;
import static io.wormhole.SharedFiles.write;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was read once is on the disk of whoever has read it. */
@RealMount
class DiskCacheMountTest {
  private static final int SIZE = 6 << 20;
  private static final int SMALL = 20;
  private static final int CHUNK = 128 << 10;

  private static final Duration WRITTEN_WITHIN = Duration.ofSeconds(20);

  @TempDir Path temp;
  private Path folder;
  private TwoMachines machines;
  private Path mounted;

  @BeforeEach
  void shareAndMount() throws IOException, InterruptedException {
    folder = Files.createDirectory(temp.resolve("shared"));
    Random random = new Random(1);
    write(folder.resolve("film"), SIZE, random);
    for (int i = 0; i < SMALL; i++) {
      write(folder.resolve("still" + i), 10_000, random);
    }
    machines = new TwoMachines(temp.resolve("machines"));
    Shared shared = machines.host(folder);
    mounted = machines.mount(shared, "mnt");
    awaitOpen();
    passes(AGES);
  }

  @AfterEach
  void end() throws IOException, InterruptedException {
    machines.close();
  }

  private void readAll() throws IOException {
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        assertThat(mounted.resolve(file.getFileName())).hasSameBinaryContentAs(file);
      }
    }
  }

  private JsonNode stats() throws IOException, InterruptedException {
    return new ObjectMapper().readTree(succeeded("cache", "stats", "--json").out());
  }

  private Outcome succeeded(String... command) throws IOException, InterruptedException {
    Outcome outcome = machines.onMounting(command);
    assertThat(outcome.exit()).as(outcome.toString()).isZero();
    return outcome;
  }

  /**
   * The film's chunks, a page of their hashes, the stills, and what is kept of names. The page is
   * written a second after the rest, or when what is not needed is collected.
   */
  private void awaitWritten() throws IOException, InterruptedException {
    int chunks = SIZE / CHUNK + SMALL;
    AtomicInteger before = new AtomicInteger();
    var _ =
        Await.until(
            WRITTEN_WITHIN,
            () -> stats().path("disk").path("chunks").asInt(),
            now -> before.getAndSet(now) == now && now > chunks);
    succeeded("cache", "gc");
  }

  private void mountAgain() throws IOException, InterruptedException {
    // The kernel keeps pages as long as it has the mount.
    succeeded("mount", "shared", mounted.toString());
    awaitOpen();
  }

  /** The disk is opened in the background; whoever changes the cache waits for it. */
  private void awaitOpen() throws IOException, InterruptedException {
    assertThat(succeeded("cache", "gc").out()).contains("chunks are gone");
  }

  private static long networkBytes(JsonNode stats) {
    return stats.path("network").path("bytes").asLong();
  }

  @Test
  void whatWasReadComesFromTheDiskAndWhatThatHasSpoiledFromTheHost() throws Exception {
    readAll();
    awaitWritten();
    succeeded("unmount", mounted.toString());
    succeeded("daemon", "stop");
    spoil(Path.of(succeeded("cache", "path").out().strip()).resolve("large.slab"));
    mountAgain();
    readAll();
    JsonNode stats = stats();
    assertThat(stats.path("disk").path("hits").asInt()).isPositive();
    int healed = stats.path("disk").path("healed").asInt();
    assertThat(healed).isPositive();
    assertThat(networkBytes(stats)).isGreaterThanOrEqualTo((healed - 1L) * CHUNK);
    // What a busy disk was too slow for came over the network, and is spoiled yet.
    succeeded("cache", "verify");
    assertThat(stats().path("disk").path("healed").asInt())
        .isBetween(SIZE / CHUNK / 2 - 1, SIZE / CHUNK / 2 + 1);
    assertThat(succeeded("cache", "verify").out()).contains("Every chunk is what it should be");
    readAll();
  }

  /** One byte of every second chunk. */
  private static void spoil(Path slab) throws IOException {
    byte[] bytes = Files.readAllBytes(slab);
    for (int at = 1000; at < bytes.length; at += 2 << 17) {
      bytes[at] ^= 1;
    }
    Files.write(slab, bytes);
  }

  @Test
  void whatAKilledDaemonHasWrittenIsThereAndWhatChangedMeanwhileIsReadAnew() throws Exception {
    readAll();
    awaitWritten();
    TwoMachines.endDaemon(machines.mounting(), "KILL");
    succeeded("unmount", mounted.toString(), "--force");
    write(folder.resolve("still0"), 10_000, new Random(2));
    mountAgain();
    readAll();
    assertThat(networkBytes(stats())).isLessThan(SIZE / 10);
    succeeded("unmount", mounted.toString());
    write(folder.resolve("film"), SIZE, new Random(3));
    succeeded("mount", "shared", mounted.toString(), "--cache-size", "96M");
    readAll();
    assertThat(stats().path("disk").path("limitBytes").asLong()).isEqualTo(96L << 20);
  }

  @Test
  void onlyWhatIsNewOfAChangedFileComesAgain() throws Exception {
    readAll();
    awaitWritten();
    long before = networkBytes(stats());
    byte[] bytes = Files.readAllBytes(folder.resolve("film"));
    bytes[SIZE / 2] ^= 1;
    Files.write(folder.resolve("film"), bytes);
    passes(AGES.plus(ATTRIBUTES_LIVE));
    readAll();
    assertThat(networkBytes(stats()) - before).isBetween((long) CHUNK, (long) SIZE / 10);
    awaitWritten();
    succeeded("unmount", mounted.toString());
    succeeded("daemon", "stop");
    bytes[0] ^= 1;
    Files.write(folder.resolve("film"), bytes);
    passes(AGES);
    mountAgain();
    readAll();
    assertThat(networkBytes(stats())).isBetween((long) CHUNK, (long) SIZE / 10);
  }

  @Test
  void whatIsWarmedUpIsOnTheDiskAndWhatIsClearedMeanwhileIsFetchedAgain() throws Exception {
    Outcome warmed = succeeded("cache", "warm", mounted.toString(), "--json");
    assertThat(warmed.out()).contains("\"bytesTotal\":" + (SIZE + SMALL * 10_000));
    awaitWritten();
    Outcome elsewhere = machines.onMounting("cache", "warm", folder.toString());
    assertThat(elsewhere.exit()).isEqualTo(1);
    assertThat(elsewhere.err()).contains("is in no mount of wormhole");
    Outcome nowhere = machines.onMounting("cache", "warm", mounted.resolve("none").toString());
    assertThat(nowhere.exit()).isEqualTo(1);
    assertThat(nowhere.err()).startsWith("wormhole: there is no " + mounted.resolve("none") + ";");

    Process reader =
        new ProcessBuilder(
                "bash",
                "-c",
                "for i in 1 2 3 4 5 6; do cmp \"$1\" \"$2\" || exit 1; sleep 0.2; done",
                "bash",
                folder.resolve("film").toString(),
                mounted.resolve("film").toString())
            .inheritIO()
            .start();
    succeeded("cache", "clear");
    succeeded("cache", "resize", "64M");
    assertThat(reader.waitFor(TwoMachines.NOBODY_HANGS.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(reader.exitValue()).isZero();
    readAll();
    JsonNode disk = stats().path("disk");
    assertThat(disk.path("limitBytes").asLong()).isEqualTo(64L << 20);
    assertThat(disk.path("usedBytes").asLong()).isLessThan(64L << 20);
  }
}
