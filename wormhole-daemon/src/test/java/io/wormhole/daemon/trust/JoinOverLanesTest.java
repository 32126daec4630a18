package io.wormhole.daemon.trust;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.trust.BulkEntrance.Pass;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.daemon.trust.LiveCodes.Issued;
import io.wormhole.daemon.trust.MemoryNetwork.MemoryLane;
import io.wormhole.daemon.trust.MemoryNetwork.MemoryStream;
import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.JoinCodeException;
import io.wormhole.protocol.join.PakeSecret;
import io.wormhole.protocol.join.Ticket;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.BulkHello;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Refusal;
import io.wormhole.protocol.wire.message.RefusalReason;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Client, gate and what hangs on them, over lanes in memory with event loops of their own. */
class JoinOverLanesTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final Fingerprint CLIENT = fingerprint(1);
  private static final Fingerprint HOST = fingerprint(2);
  private static final Fingerprint STRANGER = fingerprint(3);
  private static final InetSocketAddress ANY =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  private static final Duration BEFORE_DEADLINE = Duration.ofSeconds(9);
  private static final Duration PAST_DEADLINE = Duration.ofSeconds(10);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(3);

  @TempDir Path folder;

  private final MemoryNetwork network = new MemoryNetwork();
  private final HandTimer timer = new HandTimer();
  private final ExecutorService executor = Executors.newFixedThreadPool(2);
  private final LiveCodes codes = TestCodes.of(HOST);
  private final Served served = new Served();
  private final ShareId share = ShareId.random(RANDOM);
  private PinnedPeers hostPins;
  private PinnedPeers clientPins;
  private Gate gate;
  private InetSocketAddress address;

  @BeforeEach
  void listen() throws IOException {
    hostPins = PinnedPeers.open(folder.resolve("host"), Clock.systemUTC());
    clientPins = PinnedPeers.open(folder.resolve("client"), Clock.systemUTC());
    gate = new Gate(HOST, codes, hostPins, served, executor, timer, RANDOM);
    address = network.endpoint(HOST).listen(ANY, gate).address();
  }

  @AfterEach
  void nothingIsLeftBehind() throws Exception {
    network.close();
    for (MemoryLane lane : network.lanes()) {
      lane.closed().get(10, TimeUnit.SECONDS);
    }
    executor.shutdown();
    assertThat(executor.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    timer.shutdownNow();
    await(() -> gate.registry().size() == 0);
    await(() -> timer.running() == 0);
  }

  @Test
  void aCodeLetsItsHolderInToItsShare() throws Exception {
    Joined joined = join(code(false), new Introduction("laptop", true));
    assertThat(joined.host()).isEqualTo(HOST);
    assertThat(joined.share()).isEqualTo(share);
    assertThat(joined.shareName()).isEqualTo("photos");
    assertThat(joined.writable()).isFalse();
    assertThat(joined.limits().getRequestsInFlight()).isEqualTo(Limits.REQUESTS_IN_FLIGHT);

    assertThat(gate.sessions()).hasSize(1);
    PeerSession session = gate.sessions().getFirst();
    assertThat(session.peer()).isEqualTo(CLIENT);
    assertThat(session.share()).isEqualTo(share);
    assertThat(session.displayName()).isEqualTo("laptop");
    assertThat(session.writable()).isFalse();
  }

  @Test
  void whoWasLetInComesBackWithoutACode() throws Exception {
    join(code(true), new Introduction("laptop", true)).control().lane().close(CloseReason.DONE);
    await(() -> gate.sessions().isEmpty());
    // The code has ended, and what is hosted now may not be written to.
    gate.endShare(share);
    served.hosted = Optional.of(new Offer(share, "pictures", false));

    Joined back = rejoin(HOST).get(20, TimeUnit.SECONDS);
    assertThat(back.share()).isEqualTo(share);
    assertThat(back.shareName()).isEqualTo("pictures");
    assertThat(back.writable()).isFalse();
    PeerSession session = gate.sessions().getFirst();
    assertThat(session.peer()).isEqualTo(CLIENT);
    assertThat(session.displayName()).isEqualTo("laptop");
    assertThat(session.writable()).isFalse();
    Recorder answers = new Recorder();
    back.control().handOver(answers);
    back.control().stream().send(FrameType.REQUEST, Request.newBuilder().setId(3).build());
    assertThat(Reply.parseFrom(answers.next(FrameType.REPLY)).getId()).isEqualTo(3);
    assertThat(bulk(back).lane().peer()).isEqualTo(HOST);
  }

  @Test
  void aKeyWithoutAGrantLearnsNothingOfWhatIsHosted() {
    assertThat(refusal(rejoin(HOST)).reason()).isEqualTo(Reason.NO_GRANT);
    served.hosted = Optional.of(new Offer(share, "photos", false));
    assertThat(refusal(rejoin(HOST)).reason()).isEqualTo(Reason.NO_GRANT);
    assertThat(served.sessions).isEmpty();
  }

  @Test
  void whoComesBackToWhatIsNotHostedIsToldSo() throws Exception {
    join(code(false)).control().lane().close(CloseReason.DONE);
    assertThat(refusal(rejoin(HOST)).reason()).isEqualTo(Reason.NOT_HOSTED);
  }

  @Test
  void aHostThatTakesOnlyNewPeersTakesNobodyBack() throws Exception {
    served.hosted = Optional.of(new Offer(share, "photos", false));
    JoinCode live = code(false);
    join(live).control().lane().close(CloseReason.DONE);
    served.onlyNew = true;
    assertThat(refusal(rejoin(HOST)).reason()).isEqualTo(Reason.NO_GRANT);
    assertThat(join(live).host()).isEqualTo(HOST);
  }

  @Test
  void aReadOnlyHostingGivesNoMoreAndTakesNothingFromTheGrant() throws Exception {
    served.hosted = Optional.of(new Offer(share, "photos", false));
    Introduction writer = new Introduction("laptop", true);
    join(code(true), writer).control().lane().close(CloseReason.DONE);
    Joined back = client(CLIENT).rejoin(address, HOST, share, writer).get(20, TimeUnit.SECONDS);
    assertThat(back.writable()).isFalse();
    assertThat(hostPins.grants()).singleElement().returns(true, Grant::writable);
  }

  @Test
  void whoIsRevokedIsSentAwayAndComesBackWithANewCodeOnly() throws Exception {
    served.hosted = Optional.of(new Offer(share, "photos", false));
    JoinCode known = code(false);
    JoinCode other = code(false);
    Joined joined = join(known);
    Recorder control = new Recorder();
    joined.control().handOver(control);
    OpenLane bulk = bulk(joined);
    Recorder data = new Recorder();
    bulk.handOver(data);

    assertThat(gate.revoke(CLIENT)).singleElement().returns(share, Grant::share);

    assertThat(control.end().reason()).isEqualTo(CloseReason.REVOKED);
    assertThat(data.end().reason()).isEqualTo(CloseReason.REVOKED);
    assertThat(gate.sessions()).isEmpty();
    assertThat(hostPins.grants()).isEmpty();
    assertThat(refusal(rejoin(HOST)).reason()).isEqualTo(Reason.NO_GRANT);
    assertThat(refusal(joining(known)).reason()).isEqualTo(Reason.UNKNOWN_CODE);
    assertThat(join(other).host()).isEqualTo(HOST);
    assertThat(hostPins.grants()).hasSize(1);
  }

  @Test
  void whoIsRevokedWhileItJoinsHasNoGrant() throws Exception {
    join(code(false));
    PeerSession session = gate.sessions().getFirst();
    assertThat(gate.revoke(CLIENT)).hasSize(1);
    // The handshake that made the session records behind the revocation.
    hostPins.recordGrant(CLIENT, share, false, "laptop", session::isIn);
    assertThat(hostPins.grants()).isEmpty();
  }

  @Test
  void aShareThatIsKnownHasOneKey() throws Exception {
    clientPins.recordHost(STRANGER, share, "photos", address);
    JoinException changed = refusal(joining(code(false)));
    assertThat(changed.reason()).isEqualTo(Reason.HOST_CHANGED);
    assertThat(changed)
        .hasMessageContaining(HOST.toString())
        .hasMessageContaining(STRANGER.toString());
    assertThat(changed.next()).contains("wormhole peers forget " + STRANGER);
    assertThat(clientPins.hosts()).singleElement().returns(STRANGER, KnownHost::host);

    clientPins.forget(_ -> false, known -> known.host().equals(STRANGER));
    assertThat(join(code(false)).host()).isEqualTo(HOST);
  }

  @Test
  void nothingIsSaidToAnotherKeyThanTheKnownOne() throws Exception {
    Recorder heard = new Recorder();
    InetSocketAddress elsewhere =
        network.endpoint(STRANGER).listen(ANY, accepting(heard)).address();
    JoinException another =
        refusal(client(CLIENT).rejoin(elsewhere, HOST, share, new Introduction("laptop", false)));
    assertThat(another.reason()).isEqualTo(Reason.WRONG_HOST);
    assertThat(another)
        .hasMessageContaining(HOST.toString())
        .hasMessageContaining(STRANGER.toString());
    assertThat(heard.frames).isEmpty();
  }

  private CompletableFuture<Joined> rejoin(Fingerprint host) {
    return client(CLIENT).rejoin(address, host, share, new Introduction("laptop", false));
  }

  @Test
  void afterTheHandshakeTheStreamBelongsToWhoeverWorks() throws Exception {
    Joined joined = join(code(false));
    Recorder answers = new Recorder();
    joined.control().handOver(answers);
    // Larger than any frame before trust may be.
    Request request =
        Request.newBuilder()
            .setId(7)
            .setReadFile(ReadFile.newBuilder().setVersion(ByteString.copyFrom(new byte[8_000])))
            .build();
    joined.control().stream().send(FrameType.REQUEST, request);
    assertThat(Reply.parseFrom(answers.next(FrameType.REPLY)).getId()).isEqualTo(7);
  }

  @Test
  void bothSidesPinEachOther() throws Exception {
    join(code(true), new Introduction("laptop", true));
    assertThat(hostPins.grants())
        .singleElement()
        .returns(CLIENT, Grant::peer)
        .returns(share, Grant::share)
        .returns(true, Grant::writable)
        .returns("laptop", Grant::name);
    assertThat(clientPins.hosts())
        .singleElement()
        .returns(HOST, KnownHost::host)
        .returns(share, KnownHost::share)
        .returns("photos", KnownHost::shareName)
        .returns(List.of("127.0.0.1:" + address.getPort()), KnownHost::addresses);
  }

  @Test
  void wrongSecretAndUnknownCodeAreToldApartAndOpenNothing() throws Exception {
    JoinCode live = code(false);
    assertThat(refusal(joining(withOtherSecret(live))).reason()).isEqualTo(Reason.WRONG_SECRET);
    assertThat(refusal(joining(withOtherNameplate(live))).reason()).isEqualTo(Reason.UNKNOWN_CODE);
    for (MemoryLane lane : network.lanes()) {
      lane.closed().get(10, TimeUnit.SECONDS);
      assertThat(lane.isTrusted()).isFalse();
    }
    assertThat(served.sessions).isEmpty();
    assertThat(hostPins.grants()).isEmpty();
    assertThat(clientPins.hosts()).isEmpty();
    assertThat(join(live).host()).isEqualTo(HOST);
  }

  @Test
  void aHostThatHasAnotherCertificateThanTheClientSeesIsNotJoined() throws Exception {
    JoinCode live = code(false);
    Relay relay = new Relay();
    InetSocketAddress between = network.endpoint(STRANGER).listen(ANY, relay).address();
    CompletableFuture<Joined> joining = client(CLIENT).join(between, live, laptop());
    assertThat(refusal(joining).reason()).isEqualTo(Reason.WRONG_SECRET);
    assertThat(served.sessions).isEmpty();
  }

  @Test
  void nobodyAtTheAddressIsUnreachable() {
    InetSocketAddress nobody = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
    JoinException refused =
        refusal(client(CLIENT).join(nobody, JoinCode.generate(RANDOM), laptop()));
    assertThat(refused.reason()).isEqualTo(Reason.UNREACHABLE);
    assertThat(refused.next()).contains("address");
  }

  @Test
  void aHostThatSaysNothingIsUnreachableWithinTenSeconds() throws Exception {
    Recorder silent = new Recorder();
    InetSocketAddress there = network.endpoint(HOST).listen(ANY, accepting(silent)).address();
    CompletableFuture<Joined> joining =
        client(CLIENT).join(there, JoinCode.generate(RANDOM), laptop());
    silent.next(FrameType.CLIENT_HELLO);
    timer.pass(BEFORE_DEADLINE);
    assertThat(joining).isNotDone();
    timer.pass(PAST_DEADLINE);
    assertThat(refusal(joining).reason()).isEqualTo(Reason.UNREACHABLE);
    assertThat(silent.end().kind()).isEqualTo(LaneException.Kind.CLOSED_BY_PEER);
  }

  @Test
  void aClientThatSaysNothingIsCutOffAfterTenSeconds() throws Exception {
    Recorder client = new Recorder();
    open(CLIENT, client);
    await(() -> timer.running() == 1);
    timer.pass(BEFORE_DEADLINE);
    assertThat(lastLane().closed()).isNotDone();
    timer.pass(PAST_DEADLINE);
    assertThat(client.end().reason()).isEqualTo(CloseReason.TOO_SLOW);
  }

  @Test
  void ofALaneThatEndsWithoutAStreamNothingIsKept() throws Exception {
    Lane lane = dial(network.endpoint(CLIENT));
    await(() -> timer.running() == 1);
    lane.close(CloseReason.DONE);
    await(() -> timer.running() == 0);
    assertThat(gate.strangers()).isZero();
  }

  @Test
  void aClientThatStopsHalfWayIsCutOffAfterTenSeconds() throws Exception {
    JoinCode live = code(false);
    Recorder client = new Recorder();
    MemoryStream stream = open(CLIENT, client);
    stream.send(FrameType.CLIENT_HELLO, handshake(live).createHello());
    client.next(FrameType.HOST_HELLO);
    timer.pass(PAST_DEADLINE);
    assertThat(client.end().reason()).isEqualTo(CloseReason.TOO_SLOW);
  }

  @Test
  void whoHasJoinedIsNotCutOff() throws Exception {
    Joined joined = join(code(false));
    timer.pass(PAST_DEADLINE);
    Recorder answers = new Recorder();
    joined.control().handOver(answers);
    joined.control().stream().send(FrameType.REQUEST, Request.newBuilder().setId(1).build());
    answers.next(FrameType.REPLY);
  }

  @Test
  void whateverComesBeforeTheHelloBreaksTheProtocol() throws Exception {
    for (FrameType type : FrameType.values()) {
      if (Set.of(FrameType.CLIENT_HELLO, FrameType.BULK_HELLO, FrameType.REFUSAL).contains(type)) {
        continue;
      }
      Recorder client = new Recorder();
      open(CLIENT, client).sendRaw(type, new byte[0]);
      assertThat(client.end().reason()).as("%s", type).isEqualTo(CloseReason.PROTOCOL);
    }
    assertThat(served.sessions).isEmpty();
  }

  @Test
  void aFrameOfATrustedPeersSizeIsNotTakenBeforeTrust() throws Exception {
    Recorder client = new Recorder();
    open(CLIENT, client)
        .sendRaw(FrameType.CLIENT_HELLO, new byte[Limits.UNTRUSTED_FRAME_BYTES + 1]);
    assertThat(client.end().reason()).isEqualTo(CloseReason.PROTOCOL);
  }

  @Test
  void aSecondHelloBreaksTheProtocol() throws Exception {
    JoinCode live = code(false);
    Recorder client = new Recorder();
    MemoryStream stream = open(CLIENT, client);
    stream.send(FrameType.CLIENT_HELLO, handshake(live).createHello());
    client.next(FrameType.HOST_HELLO);
    stream.send(FrameType.CLIENT_HELLO, handshake(live).createHello());
    assertThat(client.end().reason()).isEqualTo(CloseReason.PROTOCOL);
  }

  @Test
  void aMalformedHelloIsRefusedInWords() throws Exception {
    Recorder client = new Recorder();
    open(CLIENT, client).sendRaw(FrameType.CLIENT_HELLO, new byte[] {1, 2, 3});
    Refusal refusal = Refusal.parseFrom(client.next(FrameType.REFUSAL));
    assertThat(refusal.getReason()).isEqualTo(RefusalReason.REFUSAL_REASON_MALFORMED);
    assertThat(refusal.getWords()).contains("hello");
    assertThat(client.end().reason()).isEqualTo(CloseReason.REFUSED);
  }

  @Test
  void aHostWithoutRoomSaysThatItIsBusy() throws Exception {
    Gate full =
        new Gate(
            HOST,
            codes,
            hostPins,
            served,
            task -> {
              throw new RejectedExecutionException("full");
            },
            timer,
            RANDOM);
    InetSocketAddress there = network.endpoint(HOST).listen(ANY, full).address();
    CompletableFuture<Joined> joining = client(CLIENT).join(there, code(false), laptop());
    awaitNextTry();
    timer.pass(PAST_DEADLINE);
    assertThat(refusal(joining).reason()).isEqualTo(Reason.BUSY);
  }

  @Test
  void theWordsOfAHostAreMadeFitForATerminal() throws Exception {
    Refusal rude =
        Refusal.newBuilder()
            .setReason(RefusalReason.REFUSAL_REASON_BUSY)
            .setWords("\u001b[31mcome\nback\u202e later" + "!".repeat(400))
            .build();
    InetSocketAddress there =
        network
            .endpoint(HOST)
            .listen(ANY, accepting(new Answering(FrameType.REFUSAL, rude)))
            .address();
    CompletableFuture<Joined> joining =
        client(CLIENT).join(there, JoinCode.generate(RANDOM), laptop());
    awaitNextTry();
    timer.pass(PAST_DEADLINE);
    JoinException refused = refusal(joining);
    assertThat(refused.reason()).isEqualTo(Reason.BUSY);
    assertThat(refused.getMessage())
        .startsWith("the host said: [31mcomeback later!")
        .hasSizeLessThan(300);
  }

  @Test
  void aHostThatBreaksTheProtocolIsLeft() throws Exception {
    InetSocketAddress there =
        network
            .endpoint(HOST)
            .listen(ANY, accepting(new Answering(FrameType.REPLY, Reply.getDefaultInstance())))
            .address();
    assertThat(refusal(client(CLIENT).join(there, JoinCode.generate(RANDOM), laptop())).reason())
        .isEqualTo(Reason.PROTOCOL);
  }

  @Test
  void whoStopsWaitingGetsNoLane() throws Exception {
    Recorder silent = new Recorder();
    InetSocketAddress there = network.endpoint(HOST).listen(ANY, accepting(silent)).address();
    CompletableFuture<Joined> joining =
        client(CLIENT).join(there, JoinCode.generate(RANDOM), laptop());
    silent.next(FrameType.CLIENT_HELLO);
    joining.cancel(false);
    assertThat(silent.end().kind()).isEqualTo(LaneException.Kind.CLOSED_BY_PEER);
  }

  @Test
  void aTokenLetsOneBulkLaneInOnce() throws Exception {
    Joined joined = join(code(false));
    OpenLane bulk = bulk(joined);
    assertThat(bulk.lane().peer()).isEqualTo(HOST);
    Recorder answers = new Recorder();
    bulk.handOver(answers);
    bulk.stream().send(FrameType.REQUEST, Request.newBuilder().setId(9).build());
    answers.next(FrameType.REPLY);
    assertThat(gate.sessions()).hasSize(1);
    assertThat(gate.sessions().getFirst().bulkLanes()).hasSize(1);
    assertThat(served.bulk).hasSize(1);

    LaneToken used = gate.sessions().getFirst().newLaneToken();
    bulk(CLIENT, used);
    assertThat(refusal(openingBulk(CLIENT, used)).reason()).isEqualTo(Reason.TOKEN_REFUSED);
  }

  @Test
  void aTokenIsOfNoUseToAnotherKeyAndIsVoidAfterwards() throws Exception {
    bulk(join(code(false)));
    LaneToken token = gate.sessions().getFirst().newLaneToken();
    assertThat(refusal(openingBulk(STRANGER, token)).reason()).isEqualTo(Reason.TOKEN_REFUSED);
    assertThat(refusal(openingBulk(CLIENT, token)).reason()).isEqualTo(Reason.TOKEN_REFUSED);
    assertThat(served.bulk).hasSize(1);
  }

  @Test
  void aTokenNobodyGaveIsRefused() throws Exception {
    join(code(false));
    assertThat(refusal(openingBulk(CLIENT, LaneToken.random(RANDOM))).reason())
        .isEqualTo(Reason.TOKEN_REFUSED);
    Recorder client = new Recorder();
    MemoryStream stream = open(CLIENT, client);
    stream.send(
        FrameType.BULK_HELLO,
        BulkHello.newBuilder().setLaneToken(ByteString.copyFrom(new byte[3])).build());
    assertThat(Refusal.parseFrom(client.next(FrameType.REFUSAL)).getReason())
        .isEqualTo(RefusalReason.REFUSAL_REASON_MALFORMED);
  }

  @Test
  void onlyTheNewestFewTokensAreKept() throws Exception {
    Joined joined = join(code(false));
    bulk(joined).lane().close(CloseReason.DONE);
    await(() -> gate.sessions().getFirst().bulkLanes().isEmpty());
    LaneToken oldest = gate.sessions().getFirst().newLaneToken();
    List<LaneToken> tokens = new ArrayList<>();
    for (int i = 0; i < PeerSession.MAX_TOKENS; i++) {
      tokens.add(gate.sessions().getFirst().newLaneToken());
    }
    assertThat(refusal(openingBulk(CLIENT, oldest)).reason()).isEqualTo(Reason.TOKEN_REFUSED);
    for (LaneToken token : tokens) {
      bulk(CLIENT, token);
    }
  }

  @Test
  void aPeerHasOnlySoManyBulkLanesAtOnce() throws Exception {
    bulk(join(code(false)));
    PeerSession session = gate.sessions().getFirst();
    for (int i = 1; i < PeerSession.MAX_BULK_LANES; i++) {
      bulk(CLIENT, session.newLaneToken());
    }
    LaneToken oneTooMany = session.newLaneToken();
    assertThat(refusal(openingBulk(CLIENT, oneTooMany)).reason()).isEqualTo(Reason.BUSY);
    assertThat(refusal(openingBulk(CLIENT, oneTooMany)).reason()).isEqualTo(Reason.TOKEN_REFUSED);
    Lane hosts = session.bulkLanes().iterator().next();
    hosts.close(CloseReason.DONE);
    await(() -> !session.bulkLanes().contains(hosts));
    bulk(CLIENT, session.newLaneToken());
  }

  @Test
  void bulkLanesAndTokensEndWithTheirControlLane() throws Exception {
    Joined joined = join(code(false));
    OpenLane bulk = bulk(joined);
    PeerSession session = gate.sessions().getFirst();
    LaneToken unused = session.newLaneToken();
    joined.control().lane().close(CloseReason.DONE);
    // Not the host's goodbye: it is there.
    assertThat(bulk.lane().closed().get(10, TimeUnit.SECONDS).reason()).isEqualTo(CloseReason.DONE);
    assertThat(gate.sessions()).isEmpty();
    assertThat(refusal(openingBulk(CLIENT, unused)).reason()).isEqualTo(Reason.TOKEN_REFUSED);
    assertThat(refusal(openingBulk(CLIENT, session.newLaneToken())).reason())
        .isEqualTo(Reason.TOKEN_REFUSED);
  }

  @Test
  void aBulkLaneToAnotherKeyIsClosedBeforeAByteIsSent() throws Exception {
    LaneToken token = LaneToken.random(RANDOM);
    Recorder other = new Recorder();
    InetSocketAddress there = network.endpoint(STRANGER).listen(ANY, accepting(other)).address();
    CompletableFuture<OpenLane> opening = openingBulk(there, CLIENT, token);
    JoinException refused = refusal(opening);
    assertThat(refused.reason()).isEqualTo(Reason.WRONG_HOST);
    assertThat(refused)
        .hasMessageContaining(HOST.toString())
        .hasMessageContaining(STRANGER.toString());
    lastLane().closed().get(10, TimeUnit.SECONDS);
    assertThat(other.frames).isEmpty();
  }

  @Test
  void furtherStreamsOfATrustedLaneAreAnsweredByItsSession() throws Exception {
    Joined joined = join(code(false));
    OpenLane bulk = bulk(joined);
    for (Lane lane : List.of(joined.control().lane(), bulk.lane())) {
      Recorder answers = new Recorder();
      lane.openStream(answers)
          .get(10, TimeUnit.SECONDS)
          .send(FrameType.REQUEST, Request.newBuilder().setId(3).build());
      answers.next(FrameType.REPLY);
    }
    assertThat(served.sessions).hasSize(2);
    assertThat(served.bulk).hasSize(2);
  }

  @Test
  void theEndOfAShareSendsItsPeersAwayAndKeepsThemOut() throws Exception {
    JoinCode live = code(false);
    Joined joined = join(live);
    OpenLane bulk = bulk(joined);
    ShareId another = ShareId.random(RANDOM);
    JoinCode stays = TestCodes.add(codes, new Offer(another, "music", false)).code();
    gate.endShare(share);
    assertThat(joined.control().lane().closed().get(10, TimeUnit.SECONDS).reason())
        .isEqualTo(CloseReason.GOODBYE);
    assertThat(bulk.lane().closed().get(10, TimeUnit.SECONDS).reason())
        .isEqualTo(CloseReason.GOODBYE);
    assertThat(refusal(joining(live)).reason()).isEqualTo(Reason.UNKNOWN_CODE);
    assertThat(join(stays).share()).isEqualTo(another);
  }

  @Test
  void whoTakesOverTooLateIsToldThatTheLaneHasEnded() throws Exception {
    Joined joined = join(code(false));
    gate.sessions().getFirst().close(CloseReason.GOODBYE);
    joined.control().lane().closed().get(10, TimeUnit.SECONDS);
    Recorder late = new Recorder();
    joined.control().handOver(late);
    assertThat(late.end().reason()).isEqualTo(CloseReason.GOODBYE);
  }

  @Test
  void pinsThatCannotBeKeptDoNotKeepAPeerOut() throws Exception {
    Files.createFile(folder.resolve("host"));
    assertThat(join(code(false)).host()).isEqualTo(HOST);
    assertThat(hostPins.grants()).isEmpty();
  }

  @Test
  void aTicketLetsItsHolderInToItsShare() throws Exception {
    Issued issued = TestCodes.add(codes, new Offer(share, "photos", false));
    Joined joined =
        client(CLIENT).join(address, issued.ticket(), laptop()).get(20, TimeUnit.SECONDS);
    assertThat(joined.host()).isEqualTo(HOST);
    assertThat(joined.share()).isEqualTo(share);
    assertThat(clientPins.hosts()).singleElement().returns(HOST, KnownHost::host);
  }

  @Test
  void toAnotherKeyThanATicketsNothingIsSaid() throws Exception {
    Ticket ticket = TestCodes.add(codes, new Offer(share, "photos", false)).ticket();
    Recorder other = new Recorder();
    InetSocketAddress there = network.endpoint(STRANGER).listen(ANY, accepting(other)).address();
    JoinException refused = refusal(client(CLIENT).join(there, ticket, laptop()));
    assertThat(refused.reason()).isEqualTo(Reason.WRONG_HOST);
    assertThat(refused)
        .hasMessageContaining(HOST.toString())
        .hasMessageContaining(STRANGER.toString());
    lastLane().closed().get(10, TimeUnit.SECONDS);
    assertThat(other.frames).isEmpty();
  }

  @Test
  void ofManyWhoComeAtOnceWithACodeForOneUseExactlyOneGetsIn() throws Exception {
    Issued issued = codes.add(new Offer(share, "photos", false), TestCodes.once());
    List<CompletableFuture<Joined>> joining = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      joining.add(
          clientFrom(i).join(address, i % 2 == 0 ? issued.code() : issued.ticket(), laptop()));
    }
    int in = 0;
    for (CompletableFuture<Joined> each : joining) {
      in += each.handle((joined, failure) -> joined == null ? 0 : 1).get(20, TimeUnit.SECONDS);
    }
    assertThat(in).isEqualTo(1);
    assertThat(gate.sessions()).hasSize(1);
    assertThat(refusal(joining(issued.code())).reason()).isEqualTo(Reason.UNKNOWN_CODE);
  }

  @Test
  void whoGuessesIsSlowedDownAndTheOthersAreNot() throws Exception {
    JoinCode live = code(false);
    JoinCode wrong = withOtherSecret(live);
    for (int i = 0; i < Guesses.AT_ONCE_PER_SOURCE; i++) {
      assertThat(refusal(clientFrom(1).join(address, wrong, laptop())).reason())
          .isEqualTo(Reason.WRONG_SECRET);
    }
    JoinException slowed = refusal(clientFrom(1).join(address, live, laptop()));
    assertThat(slowed.reason()).isEqualTo(Reason.TOO_MANY_GUESSES);
    assertThat(slowed.next()).contains("minute");
    assertThat(clientFrom(2).join(address, live, laptop()).get(20, TimeUnit.SECONDS).host())
        .isEqualTo(HOST);
  }

  @Test
  void whoLeavesAfterTheHostsHelloHasGuessed() throws Exception {
    JoinCode live = code(false);
    for (int i = 0; i < Guesses.AT_ONCE_PER_SOURCE; i++) {
      Recorder client = new Recorder();
      MemoryStream stream = open(CLIENT, client);
      stream.send(FrameType.CLIENT_HELLO, handshake(live).createHello());
      client.next(FrameType.HOST_HELLO);
      stream.lane().close(CloseReason.DONE);
      client.end();
    }
    assertThat(refusal(joining(live)).reason()).isEqualTo(Reason.TOO_MANY_GUESSES);
  }

  @Test
  void strangersOfOneSourceAreFewAndOthersAreNotKeptOut() throws Exception {
    JoinCode live = code(false);
    List<Recorder> waiting = new ArrayList<>();
    for (int i = 0; i < Gate.STRANGERS_PER_SOURCE; i++) {
      waiting.add(new Recorder());
      open(STRANGER, waiting.getLast());
    }
    await(() -> gate.strangers() == Gate.STRANGERS_PER_SOURCE);
    Recorder tooMany = new Recorder();
    assertThat(endOf(network.endpoint(STRANGER), tooMany).reason()).isEqualTo(CloseReason.BUSY);
    assertThat(clientFrom(2).join(address, live, laptop()).get(20, TimeUnit.SECONDS).host())
        .isEqualTo(HOST);
    await(() -> gate.strangers() == Gate.STRANGERS_PER_SOURCE);
    timer.pass(PAST_DEADLINE);
    for (Recorder stranger : waiting) {
      assertThat(stranger.end().reason()).isEqualTo(CloseReason.TOO_SLOW);
    }
    await(() -> gate.strangers() == 0);
  }

  @Test
  void strangersAreFewInAllAndKnownPeersAreNotCounted() throws Exception {
    JoinCode live = code(false);
    Joined before = join(live);
    before.control().lane().close(CloseReason.DONE);
    await(() -> gate.sessions().isEmpty());
    for (int i = 0; i < Gate.STRANGERS; i++) {
      Lane lane = dial(from(STRANGER, 10 + i));
      var unusedStream = lane.openStream(new Recorder()).get(10, TimeUnit.SECONDS);
    }
    await(() -> gate.strangers() == Gate.STRANGERS);
    assertThat(endOf(from(STRANGER, 200), new Recorder()).reason()).isEqualTo(CloseReason.BUSY);
    assertThat(join(live).host()).isEqualTo(HOST);
    served.hosted = Optional.of(new Offer(share, "photos", false));
    assertThat(
            client(CLIENT).rejoin(address, HOST, share, laptop()).get(20, TimeUnit.SECONDS).host())
        .isEqualTo(HOST);
  }

  @Test
  void whoIsSentAwayAsOneTooManyComesAgainByItself() throws Exception {
    JoinCode live = code(false);
    for (int i = 0; i < Gate.STRANGERS_PER_SOURCE; i++) {
      open(STRANGER, new Recorder());
    }
    await(() -> gate.strangers() == Gate.STRANGERS_PER_SOURCE);
    CompletableFuture<Joined> joining = joining(live);
    awaitNextTry();
    assertThat(joining).isNotDone();
    for (MemoryLane lane : network.lanes()) {
      lane.close(CloseReason.DONE);
    }
    await(() -> gate.strangers() == 0);
    timer.pass(LONGEST_PAUSE);
    assertThat(joining.get(20, TimeUnit.SECONDS).host()).isEqualTo(HOST);
  }

  @Test
  void theBulkLaneIsOnItsWayBeforeTheHostHasAnswered() throws Exception {
    Recorder silent = new Recorder();
    InetSocketAddress there = network.endpoint(HOST).listen(ANY, accepting(silent)).address();
    CompletableFuture<Joined> joining =
        client(CLIENT).join(there, JoinCode.generate(RANDOM), laptop());
    silent.next(FrameType.CLIENT_HELLO);
    // Two lanes, each of which has two ends.
    await(() -> network.lanes().size() == 4);
    assertThat(silent.frames).isEmpty();
    joining.cancel(false);
    for (MemoryLane lane : network.lanes()) {
      lane.closed().get(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void aBulkLaneForWhichThereWasNoRoomIsMadeWhenItsPeerIsKnown() throws Exception {
    JoinCode live = code(false);
    for (int i = 1; i < Gate.STRANGERS_PER_SOURCE; i++) {
      open(STRANGER, new Recorder());
    }
    await(() -> gate.strangers() == Gate.STRANGERS_PER_SOURCE - 1);
    assertThat(bulk(join(live)).lane().peer()).isEqualTo(HOST);
  }

  @Test
  void whoIsSentAwayTillTheEndIsToldThatTheHostIsBusy() throws Exception {
    InetSocketAddress there =
        network
            .endpoint(HOST)
            .listen(
                ANY,
                new Endpoint.LaneAcceptor() {
                  @Override
                  public FrameHandler accepted(Lane lane) {
                    lane.close(CloseReason.BUSY);
                    return new Recorder();
                  }

                  @Override
                  public FrameHandler stream(Lane lane) {
                    throw new AssertionError("no stream is opened");
                  }
                })
            .address();
    CompletableFuture<Joined> joining =
        client(CLIENT).join(there, JoinCode.generate(RANDOM), laptop());
    for (int tries = 1; tries <= 3; tries++) {
      awaitNextTry();
      // Two ends a lane; a bulk lane may have been begun beside the control lane.
      assertThat(network.lanes()).hasSizeBetween(2 * tries, 4 * tries);
      assertThat(joining).isNotDone();
      timer.pass(LONGEST_PAUSE);
    }
    awaitNextTry();
    timer.pass(PAST_DEADLINE);
    assertThat(refusal(joining).reason()).isEqualTo(Reason.BUSY);
  }

  /** A client was sent away, and will come again. */
  private void awaitNextTry() {
    await(() -> timer.running(LONGEST_PAUSE) == 1);
  }

  /** Whoever dials from there, and what ends his lane. */
  private LaneException endOf(Endpoint from, Recorder recorder) throws Exception {
    Lane lane = dial(from);
    var unusedStream = lane.openStream(recorder);
    return lane.closed().get(20, TimeUnit.SECONDS);
  }

  private Lane dial(Endpoint from) throws Exception {
    return from.dial(address, Duration.ofSeconds(1)).get(10, TimeUnit.SECONDS);
  }

  private Endpoint from(Fingerprint self, int source) {
    return network.endpoint(self, TestCodes.address(192, 0, 2, source));
  }

  /** One of several, each with an address and a key of its own. */
  private JoinClient clientFrom(int source) {
    Fingerprint self = fingerprint(100 + source);
    return new JoinClient(from(self, source), self, clientPins, executor, timer, RANDOM);
  }

  private JoinCode code(boolean writable) throws CodeUnavailableException {
    return TestCodes.add(codes, new Offer(share, "photos", writable)).code();
  }

  private JoinClient client(Fingerprint self) {
    return new JoinClient(network.endpoint(self), self, clientPins, executor, timer, RANDOM);
  }

  private CompletableFuture<Joined> joining(JoinCode code) {
    return client(CLIENT).join(address, code, laptop());
  }

  private Joined join(JoinCode code) throws Exception {
    return joining(code).get(20, TimeUnit.SECONDS);
  }

  private Joined join(JoinCode code, Introduction introduction) throws Exception {
    return client(CLIENT).join(address, code, introduction).get(20, TimeUnit.SECONDS);
  }

  private CompletableFuture<OpenLane> openingBulk(Fingerprint self, LaneToken token) {
    return openingBulk(address, self, token);
  }

  private CompletableFuture<OpenLane> openingBulk(
      InetSocketAddress there, Fingerprint self, LaneToken token) {
    return new BulkEntrance(there, CompletableFuture.completedFuture(new Pass(HOST, token)))
        .start(network.endpoint(self), timer);
  }

  private static OpenLane bulk(Joined joined) throws Exception {
    return joined.bulk().get(20, TimeUnit.SECONDS);
  }

  private OpenLane bulk(Fingerprint self, LaneToken token) throws Exception {
    return openingBulk(self, token).get(20, TimeUnit.SECONDS);
  }

  /** The first stream of a lane, for a peer that does as it likes. */
  private MemoryStream open(Fingerprint self, FrameHandler handler) throws Exception {
    Lane lane =
        network.endpoint(self).dial(address, Duration.ofSeconds(1)).get(10, TimeUnit.SECONDS);
    return (MemoryStream) lane.openStream(handler).get(10, TimeUnit.SECONDS);
  }

  private ClientHandshake handshake(JoinCode code) {
    return new ClientHandshake(
        Versions.OURS, code, PakeSecret.of(code), CLIENT, HOST, laptop(), RANDOM);
  }

  private MemoryLane lastLane() {
    return network.lanes().getLast();
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for twenty seconds").isLessThan(deadline);
      LockSupport.parkNanos(100_000);
    }
  }

  private static Introduction laptop() {
    return new Introduction("laptop", false);
  }

  private static JoinCode withOtherSecret(JoinCode code) {
    String data =
        code.format().substring(0, 5) + JoinCode.generate(RANDOM).format().substring(5, 13);
    return "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        .chars()
        .mapToObj(check -> parsed(data + (char) check))
        .flatMap(Optional::stream)
        .findFirst()
        .orElseThrow();
  }

  private static Optional<JoinCode> parsed(String text) {
    try {
      return Optional.of(JoinCode.parse(text));
    } catch (JoinCodeException mistyped) {
      return Optional.empty();
    }
  }

  private static JoinCode withOtherNameplate(JoinCode code) {
    JoinCode other = JoinCode.generate(RANDOM);
    while (other.nameplate() == code.nameplate()) {
      other = JoinCode.generate(RANDOM);
    }
    return other;
  }

  private static JoinException refusal(CompletableFuture<?> outcome) {
    try {
      throw new AssertionError("was let in: " + outcome.get(20, TimeUnit.SECONDS));
    } catch (ExecutionException failed) {
      assertThat(failed.getCause()).isInstanceOf(JoinException.class);
      return (JoinException) failed.getCause();
    } catch (InterruptedException | TimeoutException unanswered) {
      throw new AssertionError(unanswered);
    }
  }

  /** Gives each lane to the handler once something is said on it: a bulk lane waits in silence. */
  private static Endpoint.LaneAcceptor accepting(FrameHandler handler) {
    return new Endpoint.LaneAcceptor() {
      @Override
      public FrameHandler accepted(Lane lane) {
        return new FrameHandler() {
          private boolean spoken;

          @Override
          public void frame(FrameStream stream, FrameType type, ByteBuffer payload)
              throws WireException {
            spoken = true;
            handler.frame(stream, type, payload);
          }

          @Override
          public void ended(FrameStream stream, LaneException why) {
            if (spoken) {
              handler.ended(stream, why);
            }
          }
        };
      }

      @Override
      public FrameHandler stream(Lane lane) {
        return handler;
      }
    };
  }

  private static Fingerprint fingerprint(int seed) {
    byte[] bytes = new byte[Fingerprint.BYTES];
    Arrays.fill(bytes, (byte) seed);
    return Fingerprint.of(bytes);
  }

  /** Keeps what comes. */
  private static class Recorder implements FrameHandler {
    @SuppressWarnings("ArrayRecordComponent")
    record Frame(FrameType type, byte[] payload) {}

    final BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
    private final CompletableFuture<LaneException> end = new CompletableFuture<>();

    @Override
    public void frame(FrameStream stream, FrameType type, ByteBuffer payload) {
      byte[] bytes = new byte[payload.remaining()];
      payload.get(bytes);
      frames.add(new Frame(type, bytes));
    }

    @Override
    public void ended(FrameStream stream, LaneException why) {
      assertThat(end.complete(why)).as("told of the end once").isTrue();
    }

    byte[] next(FrameType type) throws InterruptedException {
      Frame frame = frames.poll(20, TimeUnit.SECONDS);
      assertThat(frame).isNotNull();
      assertThat(frame.type()).isEqualTo(type);
      return frame.payload();
    }

    LaneException end() throws Exception {
      return end.get(20, TimeUnit.SECONDS);
    }
  }

  /** Answers every frame with the same. */
  private static final class Answering extends Recorder {
    private final FrameType type;
    private final MessageLite message;

    Answering(FrameType type, MessageLite message) {
      this.type = type;
      this.message = message;
    }

    @Override
    public void frame(FrameStream stream, FrameType asked, ByteBuffer payload) {
      stream.send(type, message);
    }
  }

  /** Replies to each request with its id. */
  private static final class Served implements SessionAcceptor {
    final List<PeerSession> sessions = new CopyOnWriteArrayList<>();
    final List<Lane> bulk = new CopyOnWriteArrayList<>();
    volatile Optional<Offer> hosted = Optional.empty();
    volatile boolean onlyNew;

    @Override
    public Optional<Hosted> hosted(Grant grant) {
      return hosted
          .filter(offer -> offer.share().equals(grant.share()))
          .map(offer -> new Hosted(offer, !onlyNew));
    }

    @Override
    public FrameHandler control(PeerSession session) {
      sessions.add(session);
      return new Echo();
    }

    @Override
    public FrameHandler bulk(PeerSession session, Lane lane) {
      bulk.add(lane);
      return new Echo();
    }
  }

  private static final class Echo implements FrameHandler {
    @Override
    public void frame(FrameStream stream, FrameType type, ByteBuffer payload) {
      try {
        stream.send(
            FrameType.REPLY, Reply.newBuilder().setId(Request.parseFrom(payload).getId()).build());
      } catch (InvalidProtocolBufferException unreadable) {
        throw new CompletionException(unreadable);
      }
    }

    @Override
    public void ended(FrameStream stream, LaneException why) {
      // Holds nothing.
    }
  }

  /** Takes a client's lane with a certificate of its own, and carries each frame on to the host. */
  private final class Relay implements Endpoint.LaneAcceptor {
    @Override
    public FrameHandler accepted(Lane lane) {
      CompletableFuture<MemoryStream> onwards = new CompletableFuture<>();
      return new Recorder() {
        @Override
        public void frame(FrameStream victim, FrameType type, ByteBuffer payload) {
          byte[] bytes = new byte[payload.remaining()];
          payload.get(bytes);
          if (!onwards.isDone()) {
            onwards.complete(connect(victim));
          }
          onwards.join().sendRaw(type, bytes);
        }
      };
    }

    @Override
    public FrameHandler stream(Lane lane) {
      throw new AssertionError("no further stream is opened");
    }

    private MemoryStream connect(FrameStream victim) {
      try {
        return open(
            STRANGER,
            new Recorder() {
              @Override
              public void frame(FrameStream stream, FrameType type, ByteBuffer payload) {
                byte[] bytes = new byte[payload.remaining()];
                payload.get(bytes);
                ((MemoryStream) victim).sendRaw(type, bytes);
              }
            });
      } catch (Exception unreachable) {
        throw new AssertionError(unreachable);
      }
    }
  }
}
