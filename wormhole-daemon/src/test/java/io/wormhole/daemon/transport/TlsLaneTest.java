package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.protocol.wire.FrameType;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TlsLaneTest extends LaneContract {
  TlsLaneTest() {
    super(Wire.Carrier.TCP);
  }

  private RawTlsPeer raw(Wire at) throws IOException {
    return RawTlsPeer.connect(at.listener.address(), at.mountIdentity, TlsContexts.ALPN);
  }

  @Test
  void aLaneHasOneStream() throws Exception {
    Lane lane = wire.dialTrusted();
    assertThat(lane.streams()).isEqualTo(1);
    Wire.await(lane.openStream(new Recorder())).send(FrameType.BULK_HELLO, hello());
    assertThatThrownBy(() -> Wire.await(lane.openStream(new Recorder())))
        .hasCauseInstanceOf(LaneException.class);
    atHost.take().next();
    assertThat(lane.closed()).isNotDone();
  }

  @Test
  void aClientWithoutACertificateIsRefused() throws Exception {
    try (RawTlsPeer stranger =
        RawTlsPeer.connect(wire.listener.address(), null, TlsContexts.ALPN)) {
      assertThat(stranger.awaitClosed()).isTrue();
    } catch (IOException refusedInTheHandshake) {
      assertThat(refusedInTheHandshake).isNotNull();
    }
    assertThat(wire.accepted).isEmpty();
  }

  @Test
  void aClientOfAnotherProtocolIsRefused() throws Exception {
    try (RawTlsPeer other =
        RawTlsPeer.connect(wire.listener.address(), wire.mountIdentity, "other/1")) {
      assertThat(other.awaitClosed()).isTrue();
    } catch (IOException refusedInTheHandshake) {
      assertThat(refusedInTheHandshake).isNotNull();
    }
    assertThat(wire.accepted).isEmpty();
  }

  @Test
  void aFrameOfAnUnknownTypeEndsTheLane() throws Exception {
    try (RawTlsPeer peer = raw(wire)) {
      peer.send(0, 0, 0, 0, 0x77, 0, 0, 0);
      assertThat(peer.awaitClosed()).isTrue();
    }
    assertThat(Wire.await(wire.acceptedLane().closed()).kind())
        .isEqualTo(LaneException.Kind.PROTOCOL);
  }

  @Test
  void aCloseThatIsNoMessageEndsTheLane() throws Exception {
    try (RawTlsPeer peer = raw(wire)) {
      peer.send(0, 0, 0, 1, FrameType.CLOSE.code(), 0, 0, 0, 0xff);
      assertThat(peer.awaitClosed()).isTrue();
    }
    assertThat(Wire.await(wire.acceptedLane().closed()).kind())
        .isEqualTo(LaneException.Kind.PROTOCOL);
  }

  @Test
  void aFrameThatDoesNotMoveEndsTheLane() throws Exception {
    try (Wire patient =
            new Wire(
                TransportSettings.DEFAULTS.withTimes(
                    Duration.ofSeconds(30), Duration.ofMillis(500), Duration.ofSeconds(10)),
                carrier,
                lane -> {
                  lane.trust();
                  return recorder();
                });
        RawTlsPeer peer = raw(patient)) {
      peer.send(0, 0, 0, 9, FrameType.REQUEST.code(), 0, 0, 0, 1, 2);
      assertThat(peer.awaitClosed()).isTrue();
      LaneException why = Wire.await(patient.acceptedLane().closed());
      assertThat(why.kind()).isEqualTo(LaneException.Kind.CLOSED_HERE);
      assertThat(why.reason()).isEqualTo(CloseReason.TOO_SLOW);
    }
  }

  @Test
  void aConnectionThatIsCutEndsTheLane() throws Exception {
    Lane atHostLane;
    try (RawTlsPeer peer = raw(wire)) {
      peer.send(0, 0, 0, 9, FrameType.BULK_HELLO.code(), 0, 0, 0);
      atHostLane = wire.acceptedLane();
    }
    assertThat(Wire.await(atHostLane.closed()).kind()).isEqualTo(LaneException.Kind.UNREACHABLE);
  }

  @Test
  void aPeerThatFallsSilentIsGoneAfterTheIdleTimeout() throws Exception {
    try (Wire quick =
            new Wire(
                QUICK,
                carrier,
                lane -> {
                  lane.trust();
                  return recorder();
                });
        RawTlsPeer peer = raw(quick)) {
      LaneException why = Wire.await(quick.acceptedLane().closed());
      assertThat(why.kind()).isEqualTo(LaneException.Kind.UNREACHABLE);
      assertThat(why).hasMessageContaining("nothing was heard of");
      assertThat(peer.awaitClosed()).isTrue();
    }
  }

  @Test
  void whoSaysNothingNotEvenTlsIsSentAwayInTime() throws Exception {
    try (Wire quick = new Wire(QUICK, carrier, _ -> recorder());
        Socket silent = new Socket()) {
      silent.connect(quick.listener.address());
      silent.setSoTimeout((int) Wire.SOON.toMillis());
      assertThat(silent.getInputStream().read()).isNegative();
      assertThat(quick.accepted).isEmpty();
    }
  }

  @Test
  void whoSpeaksNoTlsIsSentAway() throws Exception {
    try (Socket stranger = new Socket()) {
      stranger.connect(wire.listener.address());
      stranger.setSoTimeout((int) Wire.SOON.toMillis());
      stranger
          .getOutputStream()
          .write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      stranger.getInputStream().readAllBytes();
    } catch (IOException reset) {
      assertThat(reset).isNotInstanceOf(SocketTimeoutException.class);
    }
    assertThat(wire.accepted).isEmpty();
  }

  @Test
  void strangersPastTheirNumberAreTakenWhenOneHasGone() throws Exception {
    List<Lane> strangers = new ArrayList<>();
    for (int i = 0; i < TransportSettings.DEFAULTS.strangersPerSource(); i++) {
      strangers.add(wire.dial());
      wire.acceptedLane();
    }
    assertThatThrownBy(() -> wire.dial()).hasCauseInstanceOf(LaneException.class);
    assertThat(wire.accepted).isEmpty();
    strangers.getFirst().close(CloseReason.DONE);
    Wire.await(strangers.getFirst().closed());
    wire.dial();
    wire.acceptedLane().trust();
    wire.dial();
  }

  @Test
  void theReasonOfACloseArrivesThoughMoreWasSentMeanwhile() throws Exception {
    Lane lane = wire.dialTrusted();
    FrameStream stream = Wire.await(lane.openStream(new Recorder()));
    stream.send(FrameType.BULK_HELLO, hello());
    Lane atHostLane = wire.acceptedLane();
    atHostLane.trust();
    Recorder host = atHost.take();
    host.next();
    // What the host does not read any more is on its way when it closes.
    Wire.await(host.stream).readEnabled(false);
    for (int i = 0; i < 64; i++) {
      stream.send(FrameType.REQUEST, token(60_000));
    }
    atHostLane.close(CloseReason.REVOKED);
    assertThat(Wire.await(lane.closed()).reason()).isEqualTo(CloseReason.REVOKED);
  }

  @Test
  void aPortWhereNobodyListensIsUnreachableAtOnce() throws Exception {
    InetSocketAddress nobody;
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(Wire.anyPort());
      nobody = (InetSocketAddress) socket.getLocalSocketAddress();
    }
    assertThat(failureOf(wire.mount.dialNear(nobody)).kind())
        .isEqualTo(LaneException.Kind.UNREACHABLE);
  }

  @Test
  void aPortOfAnotherProgramLeavesTheOtherLanes() throws Exception {
    try (ServerSocket other = new ServerSocket()) {
      other.bind(Wire.anyPort());
      InetSocketAddress taken = (InetSocketAddress) other.getLocalSocketAddress();
      try (Endpoint.Listener overQuic = wire.host.listen(taken, wire)) {
        Lane lane = Wire.await(wire.mount.dial(overQuic.address(), Duration.ofSeconds(8)));
        assertThat(lane.peer()).isEqualTo(wire.hostIdentity.fingerprint());
      }
    }
  }

  @Test
  void lanesOverTcpCanBeSwitchedOff() throws Exception {
    try (NetworkEndpoint without =
        new NetworkEndpoint(
            wire.mountIdentity.key(),
            wire.mountIdentity.certificate(),
            wire.mountPeers,
            TransportSettings.DEFAULTS,
            false)) {
      assertThat(failureOf(without.dialNear(wire.listener.address())).kind())
          .isEqualTo(LaneException.Kind.UNREACHABLE);
      try (Endpoint.Listener quicAlone = without.listen(Wire.anyPort(), wire)) {
        assertThat(failureOf(wire.mount.dialNear(quicAlone.address())).kind())
            .isEqualTo(LaneException.Kind.UNREACHABLE);
      }
    }
  }
}
