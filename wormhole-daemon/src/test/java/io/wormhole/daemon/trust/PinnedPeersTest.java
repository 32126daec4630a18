package io.wormhole.daemon.trust;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.daemon.trust.PinnedPeers.Pins;
import io.wormhole.protocol.name.DisplayName;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PinnedPeersTest {
  private static final Instant START = Instant.parse("2026-05-01T12:00:00Z");
  private static final ShareId SHARE = ShareId.random(new SecureRandom());

  @TempDir Path root;
  private Path folder;
  private final HandClock clock = new HandClock();

  @BeforeEach
  void nameFolder() {
    folder = root.resolve("state");
  }

  @Test
  void whatWasRecordedIsThereAfterARestart() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    assertThat(pins.grants()).isEmpty();
    pins.recordGrant(peer(1), SHARE, true, "Zoë's \"laptop\"", () -> true);
    pins.recordHost(peer(2), SHARE, "photos", address("192.0.2.7", 4711));
    pins.recordHost(peer(3), SHARE, "films", address("2001:db8::7", 4711));

    PinnedPeers again = PinnedPeers.open(folder, clock);
    assertThat(again.grants())
        .isEqualTo(pins.grants())
        .containsExactly(
            new Grant(peer(1), SHARE, true, "Zoë's \"laptop\"", false, START, START, START));
    assertThat(again.hosts())
        .isEqualTo(pins.hosts())
        .containsExactly(
            new KnownHost(
                peer(2), SHARE, "photos", "photos", List.of("192.0.2.7:4711"), START, START),
            new KnownHost(
                peer(3),
                SHARE,
                "films",
                "films",
                List.of("[2001:db8:0:0:0:0:0:7]:4711"),
                START,
                START));
  }

  @Test
  void theFileIsItsOwnersAloneAndNothingElseIsLeft() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    pins.recordGrant(peer(1), SHARE, true, "a", () -> true);
    pins.recordGrant(peer(2), SHARE, true, "b", () -> true);
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(folder.resolve("peers.json"))))
        .isEqualTo("rw-------");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(folder.resolve("peers.json"));
    }
  }

  @Test
  void aPeerThatComesAgainIsOneGrantWithTheNewRights() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    pins.recordGrant(peer(1), SHARE, true, "old", () -> true);
    clock.now = START.plus(Duration.ofDays(1));
    pins.recordGrant(peer(1), SHARE, false, "new", () -> true);
    assertThat(pins.grants())
        .containsExactly(
            new Grant(peer(1), SHARE, false, "new", false, START, clock.now, clock.now));
    pins.recordGrant(peer(1), ShareId.of(new byte[16]), false, "new", () -> true);
    assertThat(pins.grants()).hasSize(2);
  }

  @Test
  void aPeerThatComesBackKeepsItsGrantAsItIs() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    pins.recordGrant(peer(1), SHARE, true, "a", () -> true);
    clock.now = START.plus(Duration.ofDays(1));
    pins.recordReturn(peer(1), SHARE);
    pins.recordReturn(peer(2), SHARE);
    assertThat(pins.grants())
        .containsExactly(new Grant(peer(1), SHARE, true, "a", false, START, START, clock.now));
  }

  @Test
  void aNameGivenHereStaysWhateverThePeerCallsItself() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    pins.recordGrant(peer(1), SHARE, false, "old", () -> true);
    pins.renamePeer(peer(1), new DisplayName("Ann"));
    pins.recordGrant(peer(1), SHARE, false, "other", () -> true);
    pins.recordGrant(peer(1), ShareId.of(new byte[16]), false, "other", () -> true);
    pins.recordGrant(peer(2), SHARE, false, "other", () -> true);
    assertThat(PinnedPeers.open(folder, clock).grants())
        .extracting(Grant::name)
        .containsExactlyInAnyOrder("Ann", "Ann", "other");
  }

  @Test
  void sharesOfOthersHaveNamesOfTheirOwnHere() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    ShareId other = ShareId.of(new byte[16]);
    pins.recordHost(peer(1), SHARE, "films", address("192.0.2.7", 1));
    pins.recordHost(peer(1), other, "films", address("192.0.2.7", 1));
    pins.recordHost(peer(2), SHARE, "7KQ2M4XR9TDG", address("192.0.2.7", 1));
    pins.recordHost(peer(3), SHARE, "Wormhole:1abc", address("192.0.2.7", 1));
    pins.recordHost(peer(4), SHARE, "-x\n", address("192.0.2.7", 1));
    pins.recordHost(peer(5), SHARE, "x".repeat(128), address("192.0.2.7", 1));
    pins.recordHost(peer(6), SHARE, "x".repeat(128), address("192.0.2.7", 1));
    List<String> names =
        List.of(
            "films",
            "films (2)",
            "share 7KQ2M4XR9TDG",
            "share Wormhole:1abc",
            "x?",
            "x".repeat(128),
            "x".repeat(128) + " (2)");
    assertThat(pins.hosts()).extracting(KnownHost::name).isEqualTo(names);
    assertThat(PinnedPeers.open(folder, clock).hosts()).isEqualTo(pins.hosts());

    clock.now = START.plus(Duration.ofDays(1));
    pins.recordHost(peer(1), SHARE, "movies", address("192.0.2.8", 1));
    assertThat(pins.hostNamed("films")).get().returns("movies", KnownHost::shareName);

    pins.renameHost(peer(1), SHARE, new DisplayName("evening"));
    assertThat(pins.hostNamed("evening")).get().returns(SHARE, KnownHost::share);
    for (String taken : List.of("films (2)", "7KQ2-M4XR-9TDG", "wormhole:1x")) {
      assertThatThrownBy(() -> pins.renameHost(peer(1), SHARE, new DisplayName(taken)))
          .as(taken)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void whatIsForgottenIsGoneFromTheDiskToo() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    pins.recordGrant(peer(1), SHARE, false, "a", () -> true);
    pins.recordGrant(peer(2), SHARE, false, "b", () -> true);
    pins.recordHost(peer(1), SHARE, "films", address("192.0.2.7", 1));
    assertThat(pins.otherHost(peer(2), SHARE)).isPresent();
    assertThat(pins.otherHost(peer(1), SHARE)).isEmpty();
    PinnedPeers.Pins gone =
        pins.forget(grant -> grant.peer().equals(peer(1)), known -> known.host().equals(peer(1)));
    assertThat(gone.grants()).hasSize(1);
    assertThat(gone.hosts()).hasSize(1);
    PinnedPeers again = PinnedPeers.open(folder, clock);
    assertThat(again.grants()).singleElement().returns("b", Grant::name);
    assertThat(again.hosts()).isEmpty();
  }

  @Test
  void aFileWithoutTheNewerFieldsIsRead() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    pins.recordGrant(peer(1), SHARE, false, "a", () -> true);
    pins.recordHost(peer(1), SHARE, "films", address("192.0.2.7", 1));
    Path file = folder.resolve("peers.json");
    String older =
        Files.readString(file)
            .replaceAll("\\s*\"(renamed|proved)\" : [^\n]*,", "")
            .replace("\"name\" : \"films\",", "");
    assertThat(older).doesNotContain("proved", "renamed");
    Files.writeString(file, older);
    PinnedPeers again = PinnedPeers.open(folder, clock);
    assertThat(again.grants()).isEqualTo(pins.grants());
    assertThat(again.hosts()).isEqualTo(pins.hosts());
  }

  @Test
  void aHostIsRememberedAtItsLastFewAddresses() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    for (int i : List.of(1, 2, 3, 4, 5, 3)) {
      pins.recordHost(peer(1), SHARE, "photos", address("192.0.2." + i, 1));
    }
    assertThat(pins.hosts())
        .singleElement()
        .returns(
            List.of("192.0.2.3:1", "192.0.2.5:1", "192.0.2.4:1", "192.0.2.2:1"),
            KnownHost::addresses);
  }

  @Test
  void whoWasSeenLongestAgoMakesRoom() throws IOException {
    List<Grant> full =
        IntStream.range(0, PinnedPeers.MAX_ENTRIES)
            .mapToObj(i ->
                new Grant(peer(i), SHARE, false, "p", false, START, START, START.plusSeconds(i)))
            .toList();
    new PeersFile(folder).write(new Pins(full, List.of()));
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    clock.now = START.plus(Duration.ofDays(1));
    pins.recordGrant(peer(0), SHARE, false, "p", () -> true);
    pins.recordGrant(peer(-1), SHARE, false, "p", () -> true);
    assertThat(pins.grants())
        .hasSize(PinnedPeers.MAX_ENTRIES)
        .extracting(Grant::peer)
        .contains(peer(0), peer(-1))
        .doesNotContain(peer(1));
    assertThat(PinnedPeers.open(folder, clock).grants()).isEqualTo(pins.grants());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "{\"format\":2}",
        "{\"format\":1,\"grants\":[{}]}",
        "{\"format\":1,\"grants\":[{\"peer\":\"zz\",\"share\":\"\"}]}",
        "{\"format\":1,\"hosts\":[7]}"
      })
  void aDamagedFileIsRefusedAndNotReplaced(String content) throws IOException {
    new PrivateFile(folder.resolve("peers.json")).prepareFolder();
    new PrivateFile(folder.resolve("peers.json")).create(content.getBytes(UTF_8));
    assertThatThrownBy(() -> PinnedPeers.open(folder, clock))
        .isInstanceOf(StateFileException.class)
        .hasMessageContaining("peers.json is damaged");
    assertThat(folder.resolve("peers.json")).hasContent(content);
  }

  @Test
  void aFileThatOthersMayReadIsRefused() throws IOException {
    PinnedPeers.open(folder, clock).recordGrant(peer(1), SHARE, true, "a", () -> true);
    Files.setPosixFilePermissions(
        folder.resolve("peers.json"), PosixFilePermissions.fromString("rw-r--r--"));
    assertThatThrownBy(() -> PinnedPeers.open(folder, clock))
        .isInstanceOf(StateFileException.class);
  }

  @Test
  void aPinThatCannotBeWrittenIsNotMade() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    pins.recordGrant(peer(1), SHARE, true, "a", () -> true);
    Files.delete(folder.resolve("peers.json"));
    Files.delete(folder);
    Files.createFile(folder);
    assertThatThrownBy(() -> pins.recordGrant(peer(2), SHARE, true, "b", () -> true))
        .isInstanceOf(IOException.class);
    assertThat(pins.grants()).hasSize(1);
  }

  private static Fingerprint peer(int seed) {
    return Fingerprint.of(ByteBuffer.allocate(Fingerprint.BYTES).putInt(seed).array());
  }

  private static InetSocketAddress address(String literal, int port) {
    return new InetSocketAddress(InetAddress.ofLiteral(literal), port);
  }

  /** Stands still until it is set. */
  private static final class HandClock extends Clock {
    private Instant now = START;

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
