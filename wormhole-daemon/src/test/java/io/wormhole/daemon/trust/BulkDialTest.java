package io.wormhole.daemon.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.message.BulkWelcome;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which of two lanes becomes the bulk lane, and that only that one shows the token. */
class BulkDialTest {
  private static final Fingerprint CLIENT = fingerprint(1);
  private static final Fingerprint HOST = fingerprint(2);
  private static final InetSocketAddress ANY =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  private static final Duration HEAD_START = Duration.ofMillis(10);
  private static final Duration REST = Duration.ofSeconds(3);
  private static final Duration LONG = Duration.ofSeconds(20);

  private final MemoryNetwork network = new MemoryNetwork();
  private final HandTimer timer = new HandTimer();
  private final Welcoming near = new Welcoming();
  private final Welcoming far = new Welcoming();
  private final TwoWays ways = new TwoWays();
  private final BulkEntrance.Pass pass =
      new BulkEntrance.Pass(HOST, LaneToken.random(new SecureRandom()));
  private BulkDial dial;
  private InetSocketAddress nearAddress;
  private InetSocketAddress farAddress;

  @BeforeEach
  void begin() throws Exception {
    nearAddress = network.endpoint(HOST).listen(ANY, near).address();
    farAddress = network.endpoint(HOST).listen(ANY, far).address();
    dial = new BulkDial(farAddress, ways, timer);
    dial.begin(HOST);
  }

  @AfterEach
  void nothingIsLeftBehind() throws Exception {
    network.close();
    for (MemoryNetwork.MemoryLane lane : network.lanes()) {
      lane.closed().get(LONG.toSeconds(), TimeUnit.SECONDS);
    }
    timer.shutdownNow();
  }

  @Test
  void aLaneForShortPathsIsTakenWhereThereIsOne() throws Exception {
    ways.nearAnswers();
    assertThat(shown().lane().remoteAddress()).isEqualTo(nearAddress);
    timer.pass(HEAD_START);
    assertThat(ways.farDials).hasValue(0);
    assertThat(near.hellos).hasValue(1);
  }

  @Test
  void whereThereIsNoneTheOtherIsDialledAtOnce() throws Exception {
    ways.nearFails();
    assertThat(shown().lane().remoteAddress()).isEqualTo(farAddress);
    assertThat(near.hellos).hasValue(0);
  }

  @Test
  void oneThatIsLateIsTakenBeforeTheOtherHasShownTheToken() throws Exception {
    timer.pass(HEAD_START);
    assertThat(ways.farDials).hasValue(1);
    CompletableFuture<OpenLane> bulk = dial.show(pass);
    ways.nearAnswers();
    assertThat(get(bulk).lane().remoteAddress()).isEqualTo(nearAddress);
    Lane other = ways.farLane.get(LONG.toSeconds(), TimeUnit.SECONDS);
    other.closed().get(LONG.toSeconds(), TimeUnit.SECONDS);
    assertThat(far.hellos).hasValue(0);
  }

  @Test
  void oneThatDoesNotComeLeavesTheTokenToTheOther() throws Exception {
    timer.pass(HEAD_START);
    CompletableFuture<OpenLane> bulk = dial.show(pass);
    assertThat(bulk).isNotDone();
    ways.nearFails();
    assertThat(get(bulk).lane().remoteAddress()).isEqualTo(farAddress);
    assertThat(ways.farDials).hasValue(1);
    assertThat(far.hellos).hasValue(1);
  }

  @Test
  void oneThatIsLostBeforeItWasWantedIsReplacedByTheOther() throws Exception {
    ways.nearAnswers();
    Lane lost = ways.near.get(LONG.toSeconds(), TimeUnit.SECONDS);
    near.lane.get(LONG.toSeconds(), TimeUnit.SECONDS).close(CloseReason.DONE);
    lost.closed().get(LONG.toSeconds(), TimeUnit.SECONDS);
    assertThat(shown().lane().remoteAddress()).isEqualTo(farAddress);
    assertThat(near.hellos).hasValue(0);
  }

  @Test
  void oneThatTakesTheConnectionAndSaysNothingIsNotWaitedForLong() throws Exception {
    timer.pass(HEAD_START);
    CompletableFuture<OpenLane> bulk = dial.show(pass);
    timer.pass(REST);
    assertThat(get(bulk).lane().remoteAddress()).isEqualTo(farAddress);
    assertThat(far.hellos).hasValue(1);
  }

  @Test
  void anotherKeyAtTheSamePortIsNobody() throws Exception {
    var _ =
        network
            .endpoint(CLIENT)
            .dial(network.endpoint(fingerprint(3)).listen(ANY, near).address(), LONG)
            .thenAccept(ways.near::complete);
    assertThat(shown().lane().remoteAddress()).isEqualTo(farAddress);
    ways.near.get().closed().get(LONG.toSeconds(), TimeUnit.SECONDS);
    assertThat(near.hellos).hasValue(0);
  }

  @Test
  void whoGivesUpLeavesNoLane() throws Exception {
    timer.pass(HEAD_START);
    dial.giveUp();
    ways.nearAnswers();
    for (CompletableFuture<Lane> each : List.of(ways.near, ways.farLane)) {
      Lane lane = each.get(LONG.toSeconds(), TimeUnit.SECONDS);
      lane.closed().get(LONG.toSeconds(), TimeUnit.SECONDS);
    }
    assertThatThrownBy(() -> get(dial.show(pass))).isNotNull();
    assertThat(near.hellos.get() + far.hellos.get()).isZero();
  }

  private OpenLane shown() throws Exception {
    return get(dial.show(pass));
  }

  private static OpenLane get(CompletableFuture<OpenLane> bulk) throws Exception {
    return bulk.get(LONG.toSeconds(), TimeUnit.SECONDS);
  }

  private static Fingerprint fingerprint(int seed) {
    byte[] bytes = new byte[Fingerprint.BYTES];
    Arrays.fill(bytes, (byte) seed);
    return Fingerprint.of(bytes);
  }

  /** Lets in whoever shows a token. */
  private static final class Welcoming implements Endpoint.LaneAcceptor {
    final AtomicInteger hellos = new AtomicInteger();
    final CompletableFuture<Lane> lane = new CompletableFuture<>();

    @Override
    public FrameHandler accepted(Lane accepted) {
      lane.complete(accepted);
      return new FrameHandler() {
        @Override
        public void frame(FrameStream stream, FrameType type, ByteBuffer payload) {
          assertThat(type).isEqualTo(FrameType.BULK_HELLO);
          hellos.incrementAndGet();
          stream.send(FrameType.BULK_WELCOME, BulkWelcome.getDefaultInstance());
        }

        @Override
        public void ended(FrameStream stream, LaneException why) {}
      };
    }

    @Override
    public FrameHandler stream(Lane accepted) {
      throw new AssertionError("a second stream");
    }
  }

  /** One way that answers when a test says so, and one that always does. */
  private final class TwoWays implements Endpoint {
    final CompletableFuture<Lane> near = new CompletableFuture<>();
    final CompletableFuture<Lane> farLane = new CompletableFuture<>();
    final AtomicInteger farDials = new AtomicInteger();

    void nearAnswers() {
      var _ = network.endpoint(CLIENT).dial(nearAddress, LONG).thenAccept(near::complete);
    }

    void nearFails() {
      near.completeExceptionally(
          new LaneException(LaneException.Kind.UNREACHABLE, CloseReason.DONE, "refused"));
    }

    @Override
    public CompletableFuture<Lane> dialNear(InetSocketAddress address) {
      return near;
    }

    @Override
    public CompletableFuture<Lane> dial(InetSocketAddress address, Duration deadline) {
      farDials.incrementAndGet();
      return network
          .endpoint(CLIENT)
          .dial(address, deadline)
          .whenComplete((lane, _) -> farLane.complete(lane));
    }

    @Override
    public Listener listen(InetSocketAddress address, LaneAcceptor acceptor) {
      throw new AssertionError("nobody listens here");
    }

    @Override
    public void close() {}
  }
}
