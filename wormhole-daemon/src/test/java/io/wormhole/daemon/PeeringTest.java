package io.wormhole.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.wormhole.daemon.host.ShareStore;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.trust.Gate;
import io.wormhole.daemon.trust.LiveCodes;
import io.wormhole.daemon.trust.PeerSession;
import io.wormhole.daemon.trust.PinnedPeers;
import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.daemon.trust.SessionAcceptor;
import io.wormhole.daemon.trust.TakenNameplates;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.PeersAnswer;
import io.wormhole.protocol.control.PeersAnswer.Guest;
import io.wormhole.protocol.control.PeersAnswer.KnownShare;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person's word for a peer means, and what is done to it. */
class PeeringTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final ShareId FILMS = ShareId.random(RANDOM);
  private static final ShareId PHOTOS = ShareId.random(RANDOM);
  private static final Fingerprint ANN = key("aaaa11");
  private static final Fingerprint OTHER_ANN = key("aaaa22");
  private static final Fingerprint HOST = key("cccc33");

  @TempDir Path state;
  private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1);
  private PinnedPeers pins;
  private Peering peering;

  @BeforeEach
  void know() throws Exception {
    pins = PinnedPeers.open(state, Clock.systemUTC());
    pins.recordGrant(ANN, FILMS, false, "ann", () -> true);
    pins.recordGrant(ANN, PHOTOS, true, "ann", () -> true);
    pins.recordGrant(OTHER_ANN, FILMS, false, "ann", () -> true);
    pins.recordHost(
        HOST, FILMS, "films", new InetSocketAddress(InetAddress.getLoopbackAddress(), 1));
    pins.recordHost(
        HOST, PHOTOS, "ann", new InetSocketAddress(InetAddress.getLoopbackAddress(), 1));
    LiveCodes codes = new LiveCodes(HOST, TakenNameplates.NONE, Clock.systemUTC(), RANDOM);
    Gate gate = new Gate(HOST, codes, pins, new Nobody(), Runnable::run, timer, RANDOM);
    peering =
        new Peering(
            pins,
            gate,
            new ShareStore(state, RANDOM, Blake3.plain()),
            known -> known.share().equals(PHOTOS));
  }

  @AfterEach
  void end() {
    timer.shutdownNow();
  }

  @Test
  void bothKindsAreListed() throws Exception {
    PeersAnswer all = peering.all();
    assertThat(all.peers()).hasSize(3).noneMatch(Guest::connected);
    assertThat(all.peers().getFirst())
        .returns("ann", Guest::name)
        .returns(null, Guest::share)
        .returns(false, Guest::writable);
    assertThat(all.hosts()).extracting(KnownShare::mounted).containsExactly(false, true);
  }

  @Test
  void nameOfSeveralIsNotGuessedAt() {
    ControlException refused = refused(() -> peering.forget("ann"));
    assertThat(refused.kind()).isEqualTo(ErrorKind.AMBIGUOUS);
    assertThat(refused).hasMessageContainingAll("aaaa11", "aaaa22", "cccc33");
    assertThat(refused(() -> peering.revoke("ann"))).hasMessageNotContaining("cccc33");
    assertThat(refused(() -> peering.revoke("aaaa")).kind()).isEqualTo(ErrorKind.AMBIGUOUS);
    assertThat(pins.grants()).hasSize(3);
    assertThat(pins.hosts()).hasSize(2);
  }

  @Test
  void whatIsNotKnownIsSaid() {
    for (String who : new String[] {"nobody", "", "aaa", "ffff", "aaaa11".repeat(20)}) {
      assertThat(refused(() -> peering.forget(who)).kind())
          .as(who)
          .isEqualTo(ErrorKind.UNKNOWN_PEER);
    }
    // A host of ours is no guest.
    assertThat(refused(() -> peering.revoke("films")).kind()).isEqualTo(ErrorKind.UNKNOWN_PEER);
  }

  @Test
  void beginningOfAFingerprintNamesItsKey() throws Exception {
    assertThat(peering.revoke("AAAA1").peers()).hasSize(2);
    assertThat(pins.grants()).singleElement().returns(OTHER_ANN, Grant::peer);
    assertThat(peering.revoke("ann").peers()).hasSize(1);
    assertThat(pins.grants()).isEmpty();
  }

  @Test
  void nameOfAKnownShareForgetsThatShareAndItsKeyAll() throws Exception {
    assertThat(peering.forget("films").hosts())
        .singleElement()
        .returns(FILMS.toString(), KnownShare::shareId);
    assertThat(pins.hosts()).singleElement().returns(PHOTOS, KnownHost::share);
    assertThat(peering.forget("cccc").hosts()).hasSize(1);
    assertThat(pins.hosts()).isEmpty();
    assertThat(pins.grants()).hasSize(3);
  }

  @Test
  void renamedPeerIsKnownByItsNewName() throws Exception {
    peering.rename("aaaa22", "Ann of work");
    assertThat(peering.revoke("Ann of work").peers())
        .singleElement()
        .returns(OTHER_ANN.toString(), Guest::fingerprint);
    assertThat(peering.rename("films", "evening").hosts())
        .singleElement()
        .returns("evening", KnownShare::name)
        .returns("films", KnownShare::share);
    assertThat(refused(() -> peering.rename("evening", "-x")).kind()).isEqualTo(ErrorKind.USAGE);
    assertThat(refused(() -> peering.rename("evening", "7KQ2-M4XR-9TDG")).kind())
        .isEqualTo(ErrorKind.USAGE);
    ControlException both = refused(() -> peering.rename("cccc33", "x"));
    assertThat(both.kind()).isEqualTo(ErrorKind.AMBIGUOUS);
    assertThat(both).hasMessageContaining("\"evening\", \"ann\"");
  }

  private static ControlException refused(ThrowingCallable call) {
    ControlException refused = catchThrowableOfType(ControlException.class, call);
    assertThat(refused).isNotNull();
    return refused;
  }

  private static Fingerprint key(String beginning) {
    byte[] bytes = Arrays.copyOf(HexFormat.of().parseHex(beginning), Fingerprint.BYTES);
    return Fingerprint.of(bytes);
  }

  /** A host that nobody comes to. */
  private static final class Nobody implements SessionAcceptor {
    @Override
    public Optional<Hosted> hosted(Grant grant) {
      return Optional.empty();
    }

    @Override
    public FrameHandler control(PeerSession session) {
      throw new AssertionError("nobody comes");
    }

    @Override
    public FrameHandler bulk(PeerSession session, Lane lane) {
      throw new AssertionError("nobody comes");
    }
  }
}
