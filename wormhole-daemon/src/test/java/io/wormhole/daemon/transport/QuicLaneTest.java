package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.ChannelFuture;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class QuicLaneTest extends LaneContract {
  QuicLaneTest() {
    super(Wire.Carrier.QUIC);
  }

  @Test
  void aDialWaitsForNothingThatTheHostSendsAfterTheHandshake() throws Exception {
    // RFC 9000, section 17: only packets of the handshake have the highest bit set.
    try (UdpRelay network =
        new UdpRelay(
            wire.listener.address(), _ -> true, packet -> (packet.getData()[0] & 0x80) != 0)) {
      Lane lane = Wire.await(wire.mount.dial(network.address(), Duration.ofSeconds(10)));
      assertThat(lane.peer()).isEqualTo(wire.hostIdentity.fingerprint());
    }
  }

  /**
   * As on a machine that is busy: the time to ask again for what the host should have acknowledged
   * has come when the lane is closed.
   */
  @Test
  void aLaneWhoseHandshakeTheHostHasNotConfirmedEndsWithFewPackets() throws Exception {
    AtomicInteger sent = new AtomicInteger();
    try (UdpRelay network =
        new UdpRelay(
            wire.listener.address(),
            _ -> sent.incrementAndGet() > 0,
            packet -> (packet.getData()[0] & 0x80) != 0)) {
      Lane lane = Wire.await(wire.mount.dial(network.address(), Duration.ofSeconds(10)));
      ((QuicLane) lane).execute(() -> LockSupport.parkNanos(2_000_000_000L));
      lane.close(CloseReason.DONE);
      Wire.await(lane.closed());
    }
    assertThat(sent).hasValueLessThan(100);
  }

  @Test
  void aPathThatSwallowsLargePacketsCarriesChunks() throws Exception {
    Predicate<DatagramPacket> isSmall = packet -> packet.getLength() <= 1_300;
    AtomicInteger swallowed = new AtomicInteger();
    Predicate<DatagramPacket> passes =
        packet -> isSmall.test(packet) || swallowed.incrementAndGet() < 0;
    try (UdpRelay network = new UdpRelay(wire.listener.address(), passes, isSmall)) {
      Lane lane = Wire.await(wire.mount.dial(network.address(), Duration.ofSeconds(10)));
      wire.acceptedLane().trust();
      FrameStream stream = Wire.await(lane.openStream(new Recorder()));
      for (int chunk = 0; chunk < 8; chunk++) {
        stream.send(Wire.header(chunk, Limits.CHUNK_BYTES), stream.allocate(Limits.CHUNK_BYTES));
      }
      Recorder host = atHost.take();
      for (int chunk = 0; chunk < 8; chunk++) {
        assertThat(host.next().payload()).hasSize(Limits.CHUNK_BYTES);
      }
    }
    assertThat(swallowed).as("larger ones are tried").hasPositiveValue();
  }

  @Test
  void aClientWithoutACertificateIsRefused() throws Exception {
    try (RawPeer stranger = RawPeer.connect(wire.listener.address(), null, QuicCodecs.ALPN)) {
      assertThat(stranger.awaitClosed()).isTrue();
    }
    assertThat(wire.accepted).isEmpty();
  }

  @Test
  void aClientOfAnotherProtocolIsRefused() {
    assertThatThrownBy(
            () -> {
              try (RawPeer other =
                  RawPeer.connect(wire.listener.address(), wire.mountIdentity, "other/1")) {
                assertThat(other.awaitClosed()).isTrue();
                throw new IOException("closed at once");
              }
            })
        .isInstanceOf(Exception.class);
    assertThat(wire.accepted).isEmpty();
  }

  @Test
  void aSecondStreamBeforeTrustEndsTheLane() throws Exception {
    Lane lane = wire.dial();
    Wire.await(lane.openStream(new Recorder())).send(FrameType.BULK_HELLO, hello());
    atHost.take().next();
    Wire.await(lane.openStream(new Recorder())).send(FrameType.BULK_HELLO, hello());
    LaneException why = Wire.await(lane.closed());
    assertThat(why.kind()).isEqualTo(LaneException.Kind.CLOSED_BY_PEER);
    assertThat(why.reason()).isEqualTo(CloseReason.PROTOCOL);
  }

  @Test
  void aFrameOfAnUnknownTypeEndsTheLane() throws Exception {
    try (RawPeer peer =
        RawPeer.connect(wire.listener.address(), wire.mountIdentity, QuicCodecs.ALPN)) {
      peer.send(0, 0, 0, 0, 0x77, 0, 0, 0);
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
        RawPeer peer =
            RawPeer.connect(patient.listener.address(), patient.mountIdentity, QuicCodecs.ALPN)) {
      peer.send(0, 0, 0, 9, FrameType.REQUEST.code(), 0, 0, 0, 1, 2);
      assertThat(peer.awaitClosed()).isTrue();
      LaneException why = Wire.await(patient.acceptedLane().closed());
      assertThat(why.kind()).isEqualTo(LaneException.Kind.CLOSED_HERE);
      assertThat(why.reason()).isEqualTo(CloseReason.TOO_SLOW);
    }
  }

  @Test
  void whoBeginsAConnectionMustFirstShowThatHeIsThere() throws Exception {
    // The head of an Initial packet, RFC 9000, section 17.2.2; what follows is not looked at yet.
    byte[] initial = new byte[1200];
    ByteBuffer.wrap(initial)
        .put((byte) 0xc3)
        .putInt(1)
        .put((byte) 8)
        .putLong(0x0102030405060708L)
        .put((byte) 8)
        .putLong(0x1112131415161718L)
        .put((byte) 0)
        .putShort((short) (0x4000 | (1200 - 26)));
    try (DatagramSocket socket = new DatagramSocket()) {
      socket.setSoTimeout((int) Wire.SOON.toMillis());
      socket.send(new DatagramPacket(initial, initial.length, wire.listener.address()));
      DatagramPacket answer = new DatagramPacket(new byte[1500], 1500);
      socket.receive(answer);
      // A Retry, RFC 9000, section 17.2.5, smaller than what asked for it.
      assertThat(answer.getData()[0] & 0xf0).isEqualTo(0xf0);
      assertThat(answer.getLength()).isLessThan(200);
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
    CompletableFuture<Lane> oneMore =
        wire.mount.dial(wire.listener.address(), Duration.ofSeconds(20));
    // One who is trusted is no stranger; of those there are enough to tell a late lane by.
    strangers.getFirst().close(CloseReason.DONE);
    assertThat(Wire.await(oneMore).peer()).isEqualTo(wire.hostIdentity.fingerprint());
    wire.acceptedLane().trust();
    Wire.await(wire.mount.dial(wire.listener.address(), Duration.ofSeconds(20)));
  }

  @Test
  void strangersPastTheirNumberGetNoLane() throws Exception {
    for (int i = 0; i < TransportSettings.DEFAULTS.strangersPerSource(); i++) {
      wire.dial();
      wire.acceptedLane();
    }
    assertThat(failureOf(wire.mount.dial(wire.listener.address(), Duration.ofMillis(600))).kind())
        .isEqualTo(LaneException.Kind.UNREACHABLE);
    assertThat(wire.accepted).isEmpty();
  }

  @Test
  void aStreamThatEndsWithinAFrameEndsTheLane() throws Exception {
    try (RawPeer peer =
        RawPeer.connect(wire.listener.address(), wire.mountIdentity, QuicCodecs.ALPN)) {
      ChannelFuture end = peer.send(0, 0, 0, 9, FrameType.REQUEST.code(), 0, 0, 0).shutdownOutput();
      assertThat(peer.awaitClosed()).isTrue();
      assertThat(end.isDone()).isTrue();
    }
  }

  @Test
  void aStreamEndsAloneWhenEitherEndClosesIt() throws Exception {
    Lane lane = wire.dialTrusted();
    wire.acceptedLane().trust();
    Recorder atMount = new Recorder();
    FrameStream stream = Wire.await(lane.openStream(atMount));
    stream.send(FrameType.BULK_HELLO, hello());
    stream.close();
    Recorder host = atHost.take();
    host.next();
    Wire.await(host.ended);
    Wire.await(atMount.ended);
    Recorder again = new Recorder();
    Wire.await(lane.openStream(again)).send(FrameType.BULK_HELLO, hello());
    atHost.take().next();
    assertThat(lane.closed()).isNotDone();
  }

  @Test
  void streamsBeyondThePeersLimitWaitForRoom() throws Exception {
    Lane lane = wire.dialTrusted();
    wire.acceptedLane().trust();
    List<FrameStream> streams = new ArrayList<>();
    for (int i = 0; i < TransportSettings.DEFAULTS.streamsPerLane(); i++) {
      FrameStream stream = Wire.await(lane.openStream(new Recorder()));
      stream.send(FrameType.BULK_HELLO, hello());
      streams.add(stream);
    }
    CompletableFuture<FrameStream> oneMore = lane.openStream(new Recorder());
    assertThat(oneMore).isNotDone();
    streams.forEach(FrameStream::close);
    Wire.await(oneMore);
  }

  @Test
  void anAddressWhereNobodyAnswersIsUnreachableAtTheDeadline() throws Exception {
    try (DatagramSocket silent = new DatagramSocket(Wire.anyPort())) {
      LaneException why =
          failureOf(
              wire.mount.dial(
                  (InetSocketAddress) silent.getLocalSocketAddress(), Duration.ofSeconds(1)));
      assertThat(why.kind()).isEqualTo(LaneException.Kind.UNREACHABLE);
      assertThat(why).hasMessageContaining("no answer within 1.0 s");
    }
    InetSocketAddress nobody = freePort();
    assertThat(failureOf(wire.mount.dial(nobody, Duration.ofMillis(700))).kind())
        .isEqualTo(LaneException.Kind.UNREACHABLE);
  }

  @Test
  void aNameWithoutAnAddressIsUnreachableAtOnce() throws Exception {
    LaneException why =
        failureOf(
            wire.mount.dial(
                InetSocketAddress.createUnresolved("nowhere.invalid", 9), Duration.ofHours(1)));
    assertThat(why.kind()).isEqualTo(LaneException.Kind.UNREACHABLE);
    assertThat(why).hasMessageContaining("nowhere.invalid:9");
  }

  @Test
  void aNetworkWithoutARouteIsUnreachableAtOnce() throws Exception {
    // The kernel refuses to send to a broadcast address unasked: as final as having no route.
    LaneException why =
        failureOf(
            wire.mount.dial(
                new InetSocketAddress(InetAddress.getByName("255.255.255.255"), 9),
                Duration.ofHours(1)));
    assertThat(why.kind()).isEqualTo(LaneException.Kind.UNREACHABLE);
  }

  @Test
  void aTakenPortIsSaidToBeTaken() {
    assertThatThrownBy(() -> wire.mount.listen(wire.listener.address(), wire))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("another program has this port");
  }

  @Test
  void anAddressThatIsNotOursIsSaidNotToBeOurs() throws Exception {
    InetSocketAddress other = new InetSocketAddress(InetAddress.getByName("203.0.113.5"), 0);
    assertThatThrownBy(() -> wire.mount.listen(other, wire))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no such address");
  }

  private static InetSocketAddress freePort() throws IOException {
    try (DatagramSocket socket = new DatagramSocket(Wire.anyPort())) {
      return (InetSocketAddress) socket.getLocalSocketAddress();
    }
  }
}
