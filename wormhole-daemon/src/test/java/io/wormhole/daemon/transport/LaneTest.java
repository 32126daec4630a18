package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.netty.channel.ChannelFuture;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.BulkHello;
import io.wormhole.protocol.wire.message.LaneToken;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LaneTest {
  private static final TransportSettings QUICK =
      TransportSettings.DEFAULTS.withTimes(
          Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofMillis(300));

  private final BlockingQueue<Recorder> atHost = new LinkedBlockingQueue<>();
  private Wire wire;

  @BeforeEach
  void connect() throws IOException {
    wire = new Wire(TransportSettings.DEFAULTS, _ -> recorder());
  }

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private Recorder recorder() {
    Recorder recorder = new Recorder();
    atHost.add(recorder);
    return recorder;
  }

  @Test
  void bothEndsKnowWhoTheOtherIs() throws Exception {
    Lane lane = wire.dial();
    assertThat(lane.peer()).isEqualTo(wire.hostIdentity.fingerprint());
    assertThat(lane.remoteAddress()).isEqualTo(wire.listener.address());
    assertThat(wire.acceptedLane().peer()).isEqualTo(wire.mountIdentity.fingerprint());
    assertThat(lane.path().kind()).isEqualTo("loopback");
    assertThat(lane.path().rttMillis()).isPositive();
  }

  @Test
  void aDialWaitsForNothingThatTheHostSendsAfterTheHandshake() throws Exception {
    // RFC 9000, section 17: only packets of the handshake have the highest bit set.
    try (UdpRelay network = new UdpRelay(wire.listener.address(), first -> (first & 0x80) != 0)) {
      Lane lane = Wire.await(wire.mount.dial(network.address(), Duration.ofSeconds(10)));
      assertThat(lane.peer()).isEqualTo(wire.hostIdentity.fingerprint());
    }
  }

  @Test
  void noSessionIsResumed() throws Exception {
    for (int i = 1; i <= 3; i++) {
      Lane lane = wire.dial();
      wire.acceptedLane();
      assertThat(wire.mountPeers.asked).hasValue(i);
      assertThat(wire.hostPeers.asked).hasValue(i);
      lane.close(CloseReason.DONE);
      Wire.await(lane.closed());
    }
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
  void aHostWhoseCertificateIsRefusedGivesNoLane() throws Exception {
    try (QuicEndpoint doubting =
        new QuicEndpoint(
            wire.mountIdentity.key(),
            wire.mountIdentity.certificate(),
            new TestIdentity.Peers(false),
            TransportSettings.DEFAULTS)) {
      assertThat(failureOf(doubting.dial(wire.listener.address(), Duration.ofSeconds(8))).kind())
          .isEqualTo(LaneException.Kind.PROTOCOL);
    }
    assertThat(wire.accepted).isEmpty();
  }

  @Test
  void framesOfEverySizeArriveInOrder() throws Exception {
    Lane lane = wire.dialTrusted();
    wire.acceptedLane().trust();
    Recorder atMount = new Recorder();
    FrameStream stream = Wire.await(lane.openStream(atMount));
    List<Integer> sizes = new ArrayList<>(List.of(1, 2, 1000, 1300, 4000, 16_000, 60_000));
    for (int size : sizes) {
      stream.send(FrameType.REQUEST, token(size));
      Outbound data = stream.allocate(size);
      Wire.fill(data.data(), size);
      stream.send(Wire.header(size, size), data);
    }
    Recorder host = atHost.take();
    for (int size : sizes) {
      assertThat(host.next().payload()).isEqualTo(token(size).toByteArray());
      assertThat(host.next().payload()).hasSize(size);
    }
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
  void aLargeFrameBeforeTrustEndsTheLane() throws Exception {
    Lane lane = wire.dialTrusted();
    Recorder atMount = new Recorder();
    Wire.await(lane.openStream(atMount)).send(FrameType.REQUEST, token(5000));
    assertThat(Wire.await(atMount.ended).reason()).isEqualTo(CloseReason.PROTOCOL);
    assertThat(Wire.await(wire.acceptedLane().closed()).kind())
        .isEqualTo(LaneException.Kind.PROTOCOL);
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
  void aHandlerThatThrowsEndsItsLaneOnly() throws Exception {
    try (Wire other =
        new Wire(
            TransportSettings.DEFAULTS,
            _ ->
                new FrameHandler() {
                  @Override
                  public void frame(FrameStream stream, FrameType type, ByteBuffer payload)
                      throws WireException {
                    if (type == FrameType.BULK_HELLO) {
                      throw new WireException("a frame this test does not like");
                    }
                    throw new IllegalStateException("a fault");
                  }

                  @Override
                  public void ended(FrameStream stream, LaneException why) {}
                })) {
      for (FrameType type : List.of(FrameType.BULK_HELLO, FrameType.BULK_WELCOME)) {
        Lane lane = other.dial();
        Wire.await(lane.openStream(new Recorder())).send(type, hello());
        assertThat(Wire.await(lane.closed()).reason()).isEqualTo(CloseReason.PROTOCOL);
      }
    }
  }

  @Test
  void whatWasSentArrivesBeforeTheClose() throws Exception {
    Lane lane = wire.dialTrusted();
    Recorder atMount = new Recorder();
    Wire.await(lane.openStream(atMount)).send(FrameType.BULK_HELLO, hello());
    Lane atHostLane = wire.acceptedLane();
    atHostLane.trust();
    Recorder host = atHost.take();
    FrameStream back = Wire.await(host.stream);
    for (int i = 0; i < 3; i++) {
      back.send(Wire.header(i, Limits.CHUNK_BYTES), back.allocate(Limits.CHUNK_BYTES));
    }
    back.send(FrameType.REFUSAL, hello());
    atHostLane.close(CloseReason.REFUSED);
    for (int i = 0; i < 3; i++) {
      assertThat(atMount.next().payload()).hasSize(Limits.CHUNK_BYTES);
    }
    assertThat(atMount.next().type()).isEqualTo(FrameType.REFUSAL);
    assertThat(Wire.await(lane.closed()).reason()).isEqualTo(CloseReason.REFUSED);
  }

  @Test
  void closingTellsBothEndsWhy() throws Exception {
    Lane lane = wire.dial();
    Recorder atMount = new Recorder();
    Wire.await(lane.openStream(atMount)).send(FrameType.BULK_HELLO, hello());
    Recorder host = atHost.take();
    host.next();
    wire.host.close();
    assertThat(Wire.await(lane.closed()))
        .satisfies(why -> {
          assertThat(why.kind()).isEqualTo(LaneException.Kind.CLOSED_BY_PEER);
          assertThat(why.reason()).isEqualTo(CloseReason.GOODBYE);
        });
    assertThat(Wire.await(atMount.ended).reason()).isEqualTo(CloseReason.GOODBYE);
    assertThat(Wire.await(host.ended).kind()).isEqualTo(LaneException.Kind.CLOSED_HERE);
    assertThatThrownBy(() -> Wire.await(lane.openStream(new Recorder())))
        .hasCauseInstanceOf(LaneException.class);
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
  void readingStopsAndGoesOn() throws Exception {
    Lane lane = wire.dialTrusted();
    wire.acceptedLane().trust();
    FrameStream stream = Wire.await(lane.openStream(new Recorder()));
    stream.send(FrameType.BULK_HELLO, hello());
    Recorder host = atHost.take();
    host.next();
    FrameStream reading = Wire.await(host.stream);
    reading.readEnabled(false);
    int chunks = 64;
    for (int i = 0; i < chunks; i++) {
      stream.send(Wire.header(i, Limits.CHUNK_BYTES), stream.allocate(Limits.CHUNK_BYTES));
    }
    // The receiver's windows bound what leaves: most of it must still be here.
    Lane probe = wire.dial();
    probe.close(CloseReason.DONE);
    Wire.await(probe.closed());
    assertThat(stream.queuedBytes()).isGreaterThan(chunks * Limits.CHUNK_BYTES / 2);
    CompletableFuture<Void> drained = new CompletableFuture<>();
    stream.whenDrained(() -> drained.complete(null));
    assertThat(drained).isNotDone();
    reading.readEnabled(true);
    for (int i = 0; i < chunks; i++) {
      assertThat(host.next().payload()).hasSize(Limits.CHUNK_BYTES);
    }
    Wire.await(drained);
  }

  @Test
  void aQuietLaneOutlivesTheIdleTimeout() throws Exception {
    try (Wire quick = Wire.serving(QUICK, Wire::answerRead)) {
      Lane lane = quick.dialTrusted();
      Wire.await(RequestStream.open(lane, RequestLimits.DEFAULTS));
      assertThatThrownBy(() -> lane.closed().get(3, TimeUnit.SECONDS))
          .isInstanceOf(TimeoutException.class);
    }
  }

  @Test
  void aPeerThatIsNotTrustedInTimeIsSentAway() throws Exception {
    try (Wire quick =
        new Wire(
            QUICK.withTimes(Duration.ofSeconds(9), Duration.ofSeconds(1), Duration.ofSeconds(3)),
            _ -> recorder())) {
      assertThat(Wire.await(quick.dial().closed()).reason()).isEqualTo(CloseReason.TOO_SLOW);
    }
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

  @Test
  void aClosedListenerTakesNoMoreLanesAndKeepsThoseThereAre() throws Exception {
    Lane lane = wire.dialTrusted();
    wire.acceptedLane().trust();
    wire.listener.close();
    assertThat(failureOf(wire.mount.dial(wire.listener.address(), Duration.ofSeconds(1))).kind())
        .isEqualTo(LaneException.Kind.UNREACHABLE);
    Wire.await(lane.openStream(new Recorder())).send(FrameType.BULK_HELLO, hello());
    atHost.take().next();
  }

  @Test
  void lanesWorkWithoutNativeSockets() throws Exception {
    try (Wire nio = new Wire(TransportSettings.DEFAULTS.withoutNativeSockets(), _ -> recorder())) {
      Lane lane = nio.dialTrusted();
      Lane accepted = nio.acceptedLane();
      accepted.trust();
      FrameStream stream = Wire.await(lane.openStream(new Recorder()));
      ChunkHeader header = Wire.header(1, Limits.CHUNK_BYTES);
      stream.send(header, stream.allocate(Limits.CHUNK_BYTES));
      assertThat(atHost.take().next().payload()).hasSize(Limits.CHUNK_BYTES);
      assertThat(accepted.path().bytesReceived())
          .isBetween((long) Limits.CHUNK_BYTES, 2L * Limits.CHUNK_BYTES);
    }
  }

  @Test
  void aMessagePastItsLimitIsRefusedBeforeItIsSent() throws Exception {
    Lane lane = wire.dial();
    FrameStream stream = Wire.await(lane.openStream(new Recorder()));
    assertThatThrownBy(() -> stream.send(FrameType.BULK_HELLO, token(4096)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static LaneException failureOf(CompletableFuture<Lane> dialled) throws Exception {
    try {
      Lane lane = Wire.await(dialled);
      throw new AssertionError("there is a lane to " + lane);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof LaneException why) {
        return why;
      }
      throw e;
    }
  }

  private static InetSocketAddress freePort() throws IOException {
    try (DatagramSocket socket = new DatagramSocket(Wire.anyPort())) {
      return (InetSocketAddress) socket.getLocalSocketAddress();
    }
  }

  private static LaneToken token(int bytes) {
    return LaneToken.newBuilder().setToken(ByteString.copyFrom(new byte[bytes])).build();
  }

  private static BulkHello hello() {
    return BulkHello.newBuilder().setLaneToken(ByteString.copyFrom(new byte[16])).build();
  }
}
