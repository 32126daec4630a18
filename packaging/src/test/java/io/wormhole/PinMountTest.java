package io.wormhole;

import static io.wormhole.SharedFiles.AGES;
import static io.wormhole.SharedFiles.passes;
import static io.wormhole.SharedFiles.write;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is pinned is on this disk, whatever else is read, and is what the host has. */
@RealMount
class PinMountTest {
  private static final int FILM_BYTES = 12_000_000;
  private static final int STILLS = 30;
  private static final int REELS = 3;
  private static final int REEL_BYTES = 30 << 20;

  /** A pin is looked at once a minute. */
  private static final Duration LOOKED_AT = Duration.ofSeconds(90);

  @TempDir Path temp;
  private Path folder;
  private TwoMachines machines;
  private Shared shared;
  private Path mounted;

  @BeforeEach
  void shareAndMount() throws IOException, InterruptedException {
    folder = Files.createDirectories(temp.resolve("shared"));
    Path below = Files.createDirectories(folder.resolve("work/project/stills"));
    Random random = new Random(1);
    write(folder.resolve("work/project/film"), FILM_BYTES, random);
    for (int i = 0; i < STILLS; i++) {
      write(below.resolve("still" + i), 10_000, random);
    }
    Files.createFile(below.resolve("empty"));
    Files.createSymbolicLink(folder.resolve("work/project/link"), Path.of("film"));
    machines = new TwoMachines(temp.resolve("machines"));
    shared = machines.host(folder);
    succeeded("config", "set", "cache.size", "64M");
    mounted = machines.mount(shared, "mnt");
    passes(AGES);
  }

  @AfterEach
  void end() throws IOException {
    machines.close();
  }

  private Outcome succeeded(String... command) throws IOException, InterruptedException {
    Outcome outcome = machines.onMounting(command);
    assertThat(outcome.exit()).as(outcome.toString()).isZero();
    return outcome;
  }

  private String pinIn(String path) throws IOException, InterruptedException {
    return succeeded("cache", "pin", mounted.resolve(path).toString()).out();
  }

  private static JsonNode json(Outcome outcome) throws IOException {
    return new ObjectMapper().readTree(outcome.out());
  }

  private JsonNode disk() throws IOException, InterruptedException {
    return json(succeeded("cache", "stats", "--json")).path("disk");
  }

  private JsonNode firstPin() throws IOException, InterruptedException {
    return json(succeeded("cache", "pin", "--json")).path("pins").path(0);
  }

  private static String everything(Path root) throws IOException, InterruptedException {
    Outcome outcome =
        TwoMachines.run(
            "sh",
            "-c",
            "cd \"$1/work/project\" && find . -printf '%P %y %s %T@ %m %l\\n' | sort"
                + " && find . -type f | sort | xargs sha256sum",
            "sh",
            root.toString());
    assertThat(outcome.exit()).as(outcome.toString()).isZero();
    return outcome.out();
  }

  /** More than the cache keeps, read once. */
  private void watchFootage() throws IOException {
    Random random = new Random(2);
    for (int i = 0; i < REELS; i++) {
      Path reel = folder.resolve("reel" + i);
      write(reel, REEL_BYTES, random);
    }
    for (int i = 0; i < REELS; i++) {
      assertThat(mounted.resolve("reel" + i)).hasSameBinaryContentAs(folder.resolve("reel" + i));
    }
  }

  private void hostGoes() throws IOException, InterruptedException {
    assertThat(TwoMachines.run("kill", "-INT", Long.toString(shared.command().pid())).exit())
        .isZero();
    assertThat(shared.command().waitFor(20, TimeUnit.SECONDS)).isTrue();
    var _ = Await.until(TwoMachines.NOBODY_HANGS, this::state, "offline"::equals);
  }

  private String state() throws IOException {
    byte[] state = (byte[]) Files.getAttribute(mounted, "user:wormhole.state");
    return new String(state, StandardCharsets.US_ASCII);
  }

  private void restartTheMountingDaemon() throws IOException, InterruptedException {
    succeeded("daemon", "stop");
    succeeded("daemon", "start");
    var _ =
        Await.until(
            TwoMachines.NOBODY_HANGS,
            TwoMachines::mountTable,
            table -> table.contains(mounted.toString()));
  }

  @Test
  void whatIsPinnedOutlivesFootageARestartAndItsHost() throws Exception {
    assertThat(pinIn("work/project")).contains("is pinned: " + (STILLS + 2) + " files, 12.3 MB");
    assertThat(firstPin().path("state").asText()).isEqualTo("current");
    assertThat(disk().path("pinnedBytes").asLong()).isBetween(12_000_000L, 14_000_000L);
    watchFootage();
    passes(AGES);
    hostGoes();
    restartTheMountingDaemon();
    assertThat(state()).isEqualTo("offline");
    assertThat(everything(mounted)).isEqualTo(everything(folder));
    assertThat(firstPin().path("state").asText()).isEqualTo("waiting");
    assertThat(disk().path("usedBytes").asLong()).isLessThanOrEqualTo((64L << 20) / 100 * 101);

    String pinned = mounted.resolve("work/project").toString();
    assertThat(machines.onMounting("cache", "pin", mounted.resolve("work").toString()).err())
        .contains("is away");
    assertThat(succeeded("cache", "unpin", pinned).out()).contains("is not pinned any more");
    assertThat(succeeded("cache", "pin").out()).contains("nothing is pinned");
    assertThat(disk().path("pinnedBytes").asLong()).isZero();
    assertThat(everything(mounted)).isEqualTo(everything(folder));
  }

  @Test
  void itIsKeptCurrentAndCostsWhatIsNewOfIt() throws Exception {
    pinIn("work/project");
    long before =
        json(succeeded("cache", "stats", "--json")).path("network").path("bytes").asLong();
    try (RandomAccessFile film =
        new RandomAccessFile(folder.resolve("work/project/film").toFile(), "rw")) {
      film.seek(5_000_000);
      film.writeByte('x');
    }
    write(folder.resolve("work/project/stills/new"), 10_000, new Random(3));
    Files.delete(folder.resolve("work/project/stills/still0"));
    Files.move(
        folder.resolve("work/project/stills/still1"), folder.resolve("work/project/stills/moved"));
    passes(AGES);
    var _ =
        Await.until(
            LOOKED_AT,
            () -> disk().path("sameAnswers").asInt(),
            same -> same >= FILM_BYTES / 140_000);
    // And now, as somebody says so.
    pinIn("work/project/stills");
    JsonNode pin = firstPin();
    assertThat(pin.path("state").asText()).as(pin.toString()).isEqualTo("current");
    long after = json(succeeded("cache", "stats", "--json")).path("network").path("bytes").asLong();
    assertThat(after - before).isLessThan(1 << 20);
    assertThat(disk().path("pinnedBytes").asLong()).isBetween(12_000_000L, 14_000_000L);
    hostGoes();
    restartTheMountingDaemon();
    assertThat(everything(mounted)).isEqualTo(everything(folder));
  }

  @Test
  void whatWasWarmedUpIsThereWithoutItsHostAndTakesNothingFromAPin() throws Exception {
    pinIn("work/project/stills");
    long pinned = disk().path("pinnedBytes").asLong();
    Outcome warmed = succeeded("cache", "warm", mounted.toString());
    assertThat(warmed.out()).contains((STILLS + 2) + " files, 12.3 MB, are fetched");
    assertThat(disk().path("pinnedBytes").asLong()).isEqualTo(pinned).isPositive();
    hostGoes();
    assertThat(everything(mounted)).isEqualTo(everything(folder));
    Outcome away = machines.onMounting("cache", "warm", mounted.toString());
    assertThat(away.exit()).isEqualTo(4);
    assertThat(away.err()).hasLineCount(1).contains("is away");
  }

  @Test
  void whatCannotBePinnedIsRefusedWithTheFigures() throws Exception {
    watchFootage();
    passes(AGES);
    Outcome tooMuch = machines.onMounting("cache", "pin", mounted.toString());
    assertThat(tooMuch.exit()).isEqualTo(1);
    assertThat(tooMuch.err()).hasLineCount(1).contains("it takes 106.8 MB", "of 67.1 MB", "resize");
    assertThat(succeeded("cache", "pin").out()).contains("nothing is pinned");

    pinIn("work/project");
    Outcome elsewhere = machines.onMounting("cache", "pin", temp.toString());
    assertThat(elsewhere.exit()).isEqualTo(1);
    assertThat(elsewhere.err()).hasLineCount(1).contains("is in no mount");
    Outcome nothing = machines.onMounting("cache", "unpin", mounted.resolve("work").toString());
    assertThat(nothing.exit()).isEqualTo(1);
    assertThat(nothing.err()).hasLineCount(1).contains("is not pinned");
    Outcome within =
        machines.onMounting("cache", "unpin", mounted.resolve("work/project/film").toString());
    assertThat(within.exit()).isEqualTo(1);
    assertThat(within.err()).hasLineCount(1).contains("work/project is, and all below it");
  }

  @Test
  void aPinThatGrowsPastTheRoomSaysSoAndTheBoundHolds() throws Exception {
    pinIn("work");
    Random random = new Random(4);
    for (int i = 0; i < REELS; i++) {
      write(folder.resolve("work/reel" + i), REEL_BYTES, random);
    }
    passes(AGES);
    Outcome grown = machines.onMounting("cache", "pin", mounted.resolve("work").toString());
    assertThat(grown.exit()).isEqualTo(1);
    assertThat(grown.err()).hasLineCount(1).contains("not all of it is here", "no room");
    assertThat(firstPin().path("state").asText()).isEqualTo("incomplete");
    assertThat(disk().path("usedBytes").asLong()).isLessThanOrEqualTo((64L << 20) / 100 * 101);
    for (int i = 0; i < REELS; i++) {
      assertThat(mounted.resolve("work/reel" + i))
          .hasSameBinaryContentAs(folder.resolve("work/reel" + i));
    }
    succeeded("cache", "resize", "256M");
    pinIn("work");
    assertThat(firstPin().path("state").asText()).isEqualTo("current");
    Outcome tooSmall = machines.onMounting("cache", "resize", "64M");
    assertThat(tooSmall.exit()).isEqualTo(1);
    assertThat(tooSmall.err()).hasLineCount(1).contains("are pinned: that is more than fits");
    assertThat(succeeded("config", "get", "cache.size").out()).contains("256M");
    hostGoes();
    for (int i = 0; i < REELS; i++) {
      assertThat(mounted.resolve("work/reel" + i))
          .hasSameBinaryContentAs(folder.resolve("work/reel" + i));
    }
  }
}
