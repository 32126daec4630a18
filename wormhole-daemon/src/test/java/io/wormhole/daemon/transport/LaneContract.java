package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.BulkHello;
import io.wormhole.protocol.wire.message.LaneToken;
import java.io.IOException;
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

/** What a lane is to whoever uses it, whatever carries it. */
abstract class LaneContract {
  static final TransportSettings QUICK =
      TransportSettings.DEFAULTS.withTimes(
          Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofMillis(300));

  final BlockingQueue<Recorder> atHost = new LinkedBlockingQueue<>();
  final Wire.Carrier carrier;
  Wire wire;

  LaneContract(Wire.Carrier carrier) {
    this.carrier = carrier;
  }

  @BeforeEach
  void connect() throws IOException {
    wire = new Wire(TransportSettings.DEFAULTS, carrier, _ -> recorder());
  }

  @AfterEach
  void disconnect() {
    wire.close();
  }

  final Recorder recorder() {
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
    assertThat(lane.path().knownController())
        .contains(lane.carrier().equals("quic") ? "bbr" : "kernel");
    assertThat(lane.path().knownWindowBytes()).isPresent();
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
  void aHostWhoseCertificateIsRefusedGivesNoLane() throws Exception {
    try (Endpoint doubting =
        carrier.endpoint(
            wire.mountIdentity, new TestIdentity.Peers(false), TransportSettings.DEFAULTS)) {
      assertThat(failureOf(carrier.dial(doubting, wire.listener.address())).kind())
          .isEqualTo(LaneException.Kind.PROTOCOL);
    }
    assertThat(wire.accepted).isEmpty();
  }

  @Test
  void framesOfEverySizeArriveAndThoseOfAKindInOrder() throws Exception {
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
    List<byte[]> messages = new ArrayList<>();
    List<Integer> chunks = new ArrayList<>();
    for (int i = 0; i < 2 * sizes.size(); i++) {
      Recorder.Seen frame = host.next();
      if (frame.type() == FrameType.CHUNK) {
        chunks.add(frame.payload().length);
      } else {
        messages.add(frame.payload());
      }
    }
    assertThat(chunks).isEqualTo(sizes);
    assertThat(messages)
        .containsExactly(
            sizes.stream().map(size -> token(size).toByteArray()).toArray(byte[][]::new));
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
  void aHandlerThatThrowsEndsItsLaneOnly() throws Exception {
    try (Wire other =
        new Wire(
            TransportSettings.DEFAULTS,
            carrier,
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
    List<FrameType> arrived = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      arrived.add(atMount.next().type());
    }
    assertThat(arrived)
        .containsExactlyInAnyOrder(
            FrameType.CHUNK, FrameType.CHUNK, FrameType.CHUNK, FrameType.REFUSAL);
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
  void readingStopsAndGoesOn() throws Exception {
    Lane lane = wire.dialTrusted();
    wire.acceptedLane().trust();
    FrameStream stream = Wire.await(lane.openStream(new Recorder()));
    stream.send(FrameType.BULK_HELLO, hello());
    Recorder host = atHost.take();
    host.next();
    FrameStream reading = Wire.await(host.stream);
    reading.readEnabled(false);
    int chunks = 256;
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
    try (Wire quick = Wire.serving(QUICK, carrier, Wire::answerRead)) {
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
            carrier,
            _ -> recorder())) {
      assertThat(Wire.await(quick.dial().closed()).reason()).isEqualTo(CloseReason.TOO_SLOW);
    }
  }

  @Test
  void aClosedListenerTakesNoMoreLanesAndKeepsThoseThereAre() throws Exception {
    Lane lane = wire.dialTrusted();
    wire.acceptedLane().trust();
    wire.listener.close();
    assertThat(failureOf(carrier.dial(wire.mount, wire.listener.address())).kind())
        .isEqualTo(LaneException.Kind.UNREACHABLE);
    Wire.await(lane.openStream(new Recorder())).send(FrameType.BULK_HELLO, hello());
    atHost.take().next();
  }

  @Test
  void lanesWorkWithoutNativeSockets() throws Exception {
    try (Wire nio =
        new Wire(TransportSettings.DEFAULTS.withoutNativeSockets(), carrier, _ -> recorder())) {
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

  static LaneException failureOf(CompletableFuture<Lane> dialled) throws Exception {
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

  static LaneToken token(int bytes) {
    return LaneToken.newBuilder().setToken(ByteString.copyFrom(new byte[bytes])).build();
  }

  static BulkHello hello() {
    return BulkHello.newBuilder().setLaneToken(ByteString.copyFrom(new byte[16])).build();
  }
}
