package io.wormhole.daemon.trust;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.daemon.trust.PinnedPeers.Pins;
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
    pins.recordGrant(peer(1), SHARE, true, "Zoë's \"laptop\"");
    pins.recordHost(peer(2), SHARE, "photos", address("192.0.2.7", 4711));
    pins.recordHost(peer(3), SHARE, "films", address("2001:db8::7", 4711));

    PinnedPeers again = PinnedPeers.open(folder, clock);
    assertThat(again.grants())
        .isEqualTo(pins.grants())
        .containsExactly(new Grant(peer(1), SHARE, true, "Zoë's \"laptop\"", START, START));
    assertThat(again.hosts())
        .isEqualTo(pins.hosts())
        .containsExactly(
            new KnownHost(peer(2), SHARE, "photos", List.of("192.0.2.7:4711"), START, START),
            new KnownHost(
                peer(3), SHARE, "films", List.of("[2001:db8:0:0:0:0:0:7]:4711"), START, START));
  }

  @Test
  void theFileIsItsOwnersAloneAndNothingElseIsLeft() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    pins.recordGrant(peer(1), SHARE, true, "a");
    pins.recordGrant(peer(2), SHARE, true, "b");
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
    pins.recordGrant(peer(1), SHARE, true, "old");
    clock.now = START.plus(Duration.ofDays(1));
    pins.recordGrant(peer(1), SHARE, false, "new");
    assertThat(pins.grants())
        .containsExactly(new Grant(peer(1), SHARE, false, "new", START, clock.now));
    pins.recordGrant(peer(1), ShareId.of(new byte[16]), false, "new");
    assertThat(pins.grants()).hasSize(2);
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
            .mapToObj(i -> new Grant(peer(i), SHARE, false, "p", START, START.plusSeconds(i)))
            .toList();
    new PeersFile(folder).write(new Pins(full, List.of()));
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    clock.now = START.plus(Duration.ofDays(1));
    pins.recordGrant(peer(0), SHARE, false, "p");
    pins.recordGrant(peer(-1), SHARE, false, "p");
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
    PinnedPeers.open(folder, clock).recordGrant(peer(1), SHARE, true, "a");
    Files.setPosixFilePermissions(
        folder.resolve("peers.json"), PosixFilePermissions.fromString("rw-r--r--"));
    assertThatThrownBy(() -> PinnedPeers.open(folder, clock))
        .isInstanceOf(StateFileException.class);
  }

  @Test
  void aPinThatCannotBeWrittenIsNotMade() throws IOException {
    PinnedPeers pins = PinnedPeers.open(folder, clock);
    pins.recordGrant(peer(1), SHARE, true, "a");
    Files.delete(folder.resolve("peers.json"));
    Files.delete(folder);
    Files.createFile(folder);
    assertThatThrownBy(() -> pins.recordGrant(peer(2), SHARE, true, "b"))
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
