package io.wormhole.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.transport.RawPeer;
import io.wormhole.daemon.transport.RawStream;
import io.wormhole.daemon.transport.RawStream.Frame;
import io.wormhole.daemon.trust.JoinException;
import io.wormhole.daemon.trust.RawJoin;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Cancel;
import io.wormhole.protocol.wire.message.CloseHandles;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.GetAttributes;
import io.wormhole.protocol.wire.message.ListFolder;
import io.wormhole.protocol.wire.message.ListMore;
import io.wormhole.protocol.wire.message.OpenFile;
import io.wormhole.protocol.wire.message.Path;
import io.wormhole.protocol.wire.message.Ping;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Refusal;
import io.wormhole.protocol.wire.message.RefusalReason;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A peer that has a code and does as it likes, over real lanes, against a host as the daemon makes
 * it. Whatever it does, the host's memory stays bounded, its log short, and its other peers served.
 */
@Timeout(120)
class EvilClientTest {
  private static final long MANY_BYTES = 48 << 20;
  private static final long MILLIS_WITHOUT_PROGRESS = 3_000;
  private static final int BATCH_BYTES = 64 << 10;

  @TempDir java.nio.file.Path work;
  private HostUnderAttack host;

  @BeforeEach
  void attack() throws Exception {
    host = new HostUnderAttack(work);
    host.requireServed();
  }

  @AfterEach
  void end() throws Exception {
    try {
      host.requireServed();
    } finally {
      host.close();
    }
  }

  private static Request.Builder request(long id) {
    return Request.newBuilder().setId(id).setDeadlineMillis(30_000);
  }

  private static Path path(String... names) {
    Path.Builder path = Path.newBuilder();
    for (String name : names) {
      path.addNames(ByteString.copyFromUtf8(name));
    }
    return path.build();
  }

  private static Reply reply(RawStream stream) throws Exception {
    Frame frame = stream.next();
    assertThat(frame.type()).isEqualTo(FrameType.REPLY);
    return Reply.parseFrom(frame.payload());
  }

  /** Sends until the host takes no more, or all are sent; says how many were taken whole. */
  private static int flood(RawStream stream, int most, LongFunction<Request> requests)
      throws Exception {
    int sent = 0;
    while (sent < most) {
      ByteArrayOutputStream batch = new ByteArrayOutputStream();
      int next = sent;
      while (next < most && batch.size() < BATCH_BYTES) {
        byte[] payload = requests.apply(++next).toByteArray();
        batch.writeBytes(RawStream.frame(FrameType.REQUEST, payload));
      }
      if (!stream.tryToSend(batch.toByteArray(), MILLIS_WITHOUT_PROGRESS)) {
        return sent;
      }
      sent = next;
    }
    return sent;
  }

  /** The bounds hold while a peer that reads nothing asks so. */
  private void requireBounded(int most, LongFunction<Request> requests) throws Exception {
    requireBounded(host.evil(), most, requests);
  }

  private void requireBounded(RawJoin evil, int most, LongFunction<Request> requests)
      throws Exception {
    Footprint before = Footprint.now();
    evil.control().stopReading();
    int taken = flood(evil.control(), most, requests);
    Footprint.now().requireNoMoreSince(before, MANY_BYTES);
    assertThat(taken).as("the host reads no further than it can answer").isLessThan(most);
    host.requireServed();
    evil.peer().close();
  }

  /** Opens a file and waits for its handle: what comes behind an open may be answered before it. */
  private static long open(RawJoin join, String name) throws Exception {
    join.control()
        .send(
            FrameType.REQUEST,
            request(1).setOpenFile(OpenFile.newBuilder().setPath(path(name))).build());
    return reply(join.control()).getOpenedFile().getHandle();
  }

  @Test
  void pingsWhoseAnswersNobodyReadsAreNotReadForEver() throws Exception {
    requireBounded(1_000_000, id -> request(id).setPing(Ping.getDefaultInstance()).build());
  }

  @Test
  void requestsThatAreCancelledAtOnceAreNotReadForEver() throws Exception {
    requireBounded(
        1_000_000,
        id ->
            id % 2 == 1
                ? request(id).setListFolder(ListFolder.getDefaultInstance()).build()
                : request(id).setCancel(Cancel.newBuilder().setId(id - 1)).build());
  }

  @Test
  void questionsWhoseAnswersNobodyReadsAreNotReadForEver() throws Exception {
    requireBounded(
        1_000_000, id -> request(id).setGetAttributes(GetAttributes.getDefaultInstance()).build());
  }

  @Test
  void listingsThatNobodyReadsTakeNoMemoryEach() throws Exception {
    for (int i = 0; i < 1500; i++) {
      Files.createFile(host.folder.resolve("file-with-a-name-of-some-length-" + i));
    }
    requireBounded(
        100_000, id -> request(id).setListFolder(ListFolder.getDefaultInstance()).build());
  }

  @Test
  void readsThatNobodyReadsTakeNoMemoryEach() throws Exception {
    Files.write(host.folder.resolve("large"), new byte[1 << 20]);
    RawJoin evil = host.evil();
    ReadFile.Builder read =
        ReadFile.newBuilder().setHandle(open(evil, "large")).setLength(Limits.CHUNK_BYTES);
    requireBounded(evil, 200_000, id -> request(id + 1).setReadFile(read).build());
  }

  @Test
  void largestRequestsThatWaitTakeNoMemoryEach() throws Exception {
    Path.Builder names = Path.newBuilder();
    ByteString one = ByteString.copyFromUtf8("x");
    for (int i = 0; i < 21_000; i++) {
      names.addNames(one);
    }
    GetAttributes most = GetAttributes.newBuilder().setPath(names).build();
    Files.write(host.folder.resolve("large"), new byte[Limits.CHUNK_BYTES]);
    RawJoin evil = host.evil();
    ReadFile.Builder read =
        ReadFile.newBuilder().setHandle(open(evil, "large")).setLength(Limits.CHUNK_BYTES);
    // The answers of the first are in the way of what is asked behind them.
    int reads = 60;
    requireBounded(
        evil,
        4_000,
        id ->
            id <= reads
                ? request(id + 1).setReadFile(read).build()
                : request(id + 1).setGetAttributes(most).build());
  }

  @Test
  void answersAllComeOnceTheyAreRead() throws Exception {
    RawJoin evil = host.evil();
    int pings = 20_000;
    int sent =
        flood(evil.control(), pings, id -> request(id).setPing(Ping.getDefaultInstance()).build());
    assertThat(sent).isEqualTo(pings);
    for (long id = 1; id <= pings; id++) {
      assertThat(reply(evil.control()).getId()).isEqualTo(id);
    }
    evil.peer().close();
  }

  @Test
  void requestsOutOfTheirLimitsAreRefusedAndTheLaneGoesOn() throws Exception {
    Files.writeString(host.folder.resolve("file"), "content");
    Files.createDirectory(host.folder.resolve("folder"));
    RawJoin evil = host.evil();
    long id = 1;
    long handle = open(evil, "file");
    List<Request.Builder> refused = new ArrayList<>();
    refused.add(request(0));
    refused.add(request(0).setListMore(ListMore.newBuilder().setHandle(-1)));
    refused.add(request(0).setListMore(ListMore.newBuilder().setHandle(handle)));
    refused.add(request(0).setGetAttributes(GetAttributes.newBuilder().setHandle(handle + 1)));
    refused.add(request(0).setListFolder(ListFolder.newBuilder().setPath(path("file"))));
    refused.add(request(0).setListFolder(ListFolder.newBuilder().setPath(path("file", "x"))));
    refused.add(request(0).setOpenFile(OpenFile.newBuilder().setPath(path("folder"))));
    for (int bytes : new int[] {-1, Limits.GROUP_BYTES + 1, Integer.MIN_VALUE}) {
      refused.add(
          request(0).setOpenFile(OpenFile.newBuilder().setPath(path("file")).setFirstBytes(bytes)));
    }
    for (int length : new int[] {0, -1, Limits.CHUNK_BYTES + 1, Integer.MAX_VALUE}) {
      refused.add(
          request(0).setReadFile(ReadFile.newBuilder().setHandle(handle).setLength(length)));
    }
    for (long offset : new long[] {-1, Long.MIN_VALUE}) {
      refused.add(
          request(0)
              .setReadFile(ReadFile.newBuilder().setHandle(handle).setLength(1).setOffset(offset)));
    }
    for (int bytes : new int[] {1, Limits.VERSION_BYTES - 1, Limits.VERSION_BYTES + 1}) {
      refused.add(
          request(0)
              .setReadFile(
                  ReadFile.newBuilder()
                      .setHandle(handle)
                      .setLength(1)
                      .setVersion(ByteString.copyFrom(new byte[bytes]))));
    }
    Request.Builder closing = request(0).setCloseHandles(CloseHandles.getDefaultInstance());
    for (int i = 0; i <= Limits.CLOSED_HANDLES; i++) {
      closing.addClosedHandles(i + 100);
    }
    refused.add(closing);
    for (Request.Builder each : refused) {
      Request asked = each.setId(++id).build();
      evil.control().send(FrameType.REQUEST, asked);
      Reply reply = reply(evil.control());
      assertThat(reply.getId()).isEqualTo(id);
      assertThat(reply.hasFailure()).as("%s%nanswered %s", asked, reply).isTrue();
    }
    evil.control()
        .send(FrameType.REQUEST, request(++id).setPing(Ping.getDefaultInstance()).build());
    assertThat(reply(evil.control()).hasDone()).isTrue();
    assertThat(host.warnings()).isEmpty();
    evil.peer().close();
  }

  @Test
  void pathsThatLeadOutAreRefused() throws Exception {
    Files.createSymbolicLink(host.folder.resolve("link"), host.outside());
    Files.createSymbolicLink(host.folder.resolve("up"), java.nio.file.Path.of(".."));
    RawJoin evil = host.evil();
    List<Path> paths = new ArrayList<>();
    String outside = host.outside().toString();
    for (String[] names :
        new String[][] {
          {".."},
          {"..", "outside"},
          {"."},
          {"", "outside"},
          {"../outside"},
          {"x/../../outside"},
          {outside},
          {outside.substring(1)},
          {"link"},
          {"up"},
          {"up", "outside"},
          {"link", "."},
          {"honest-0", "..", "..", "outside"},
          {"honest-0\0x"},
          {"x".repeat(256)}
        }) {
      paths.add(path(names));
    }
    long id = 0;
    for (Path path : paths) {
      for (Request.Builder each :
          List.of(
              request(0).setOpenFile(OpenFile.newBuilder().setPath(path).setFirstBytes(16)),
              request(0).setListFolder(ListFolder.newBuilder().setPath(path)),
              request(0).setGetAttributes(GetAttributes.newBuilder().setPath(path)))) {
        evil.control().send(FrameType.REQUEST, each.setId(++id).build());
        Reply reply = reply(evil.control());
        assertThat(reply.hasFailure()).as("%s%nanswered %s", path, reply).isTrue();
      }
    }
    evil.peer().close();
  }

  @Test
  void whatIsNoRequestEndsTheLaneWithOneLine() throws Exception {
    byte[] ping = request(7).setPing(Ping.getDefaultInstance()).build().toByteArray();
    byte[] wrongLength = {0, 1, 0, 1, 0x10, 0, 0, 0};
    byte[] unknownType = {0, 0, 0, 0, 0x60, 0, 0, 0};
    byte[] flagged = {0, 0, 0, 0, 0x10, 1, 0, 0};
    byte[] reserved = {0, 0, 0, 0, 0x10, 0, 0, 1};
    byte[] negative = {-1, -1, -1, -1, 0x10, 0, 0, 0};
    byte[] shortChunk = {0, 0, 0, 3, 0x12, 0, 0, 0, 1, 2, 3};
    List<byte[]> breaches = new ArrayList<>();
    breaches.addAll(List.of(wrongLength, unknownType, flagged, reserved, negative, shortChunk));
    breaches.add(RawStream.frame(FrameType.REQUEST, new byte[] {1, 2, 3}));
    breaches.add(RawStream.frame(FrameType.REQUEST, new byte[0]));
    breaches.add(RawStream.frame(FrameType.REPLY, ping));
    breaches.add(RawStream.frame(FrameType.CLIENT_HELLO, ping));
    breaches.add(RawStream.frame(FrameType.REFUSAL, ping));
    for (int deadline : new int[] {0, -1, Limits.DEADLINE_MILLIS + 1, Integer.MIN_VALUE}) {
      Request late = request(3).setDeadlineMillis(deadline).build();
      breaches.add(RawStream.frame(FrameType.REQUEST, late.toByteArray()));
    }
    for (byte[] breach : breaches) {
      RawJoin evil = host.evil();
      int before = host.warnings().size();
      evil.control().send(breach);
      assertThat(evil.peer().awaitClosed()).isTrue();
      List<String> said = host.warnings().subList(before, host.warnings().size());
      assertThat(said).hasSize(1);
      assertThat(said.getFirst())
          .contains(host.evilIdentity.fingerprint().toString().substring(0, 16))
          .contains("127.0.0.1");
    }
    host.requireServed();
  }

  @Test
  void numberUsedTwiceEndsTheLane() throws Exception {
    RawJoin evil = host.evil();
    byte[] twice =
        RawStream.frame(
            FrameType.REQUEST,
            request(1).setListFolder(ListFolder.getDefaultInstance()).build().toByteArray());
    for (int i = 0; i < 2000 && evil.peer().isOpen(); i++) {
      evil.control().tryToSend(twice, MILLIS_WITHOUT_PROGRESS);
    }
    assertThat(evil.peer().awaitClosed()).isTrue();
  }

  @Test
  void halfFramesOnEveryStreamHoldUpNobodyElse() throws Exception {
    Footprint before = Footprint.now();
    RawJoin evil = host.evil();
    byte[] largest = RawStream.frame(FrameType.REQUEST, new byte[Limits.REQUEST_BYTES]);
    List<RawStream> streams = new ArrayList<>(List.of(evil.control()));
    for (int i = 1; i < 16; i++) {
      streams.add(evil.peer().open());
    }
    for (int at = 0; at < 64; at++) {
      for (RawStream stream : streams) {
        stream.send(new byte[] {largest[at]});
      }
    }
    host.requireServed();
    Footprint.now().requireNoMoreSince(before, MANY_BYTES);
    // The host answers a byte at a time as well as a whole frame.
    RawJoin slow = host.evil();
    byte[] ping =
        RawStream.frame(
            FrameType.REQUEST, request(1).setPing(Ping.getDefaultInstance()).build().toByteArray());
    for (byte octet : ping) {
      slow.control().send(new byte[] {octet});
    }
    assertThat(reply(slow.control()).hasDone()).isTrue();
    evil.peer().close();
    slow.peer().close();
  }

  @Test
  void opensAndListingsWithoutEndAreRefusedPastABound() throws Exception {
    Files.writeString(host.folder.resolve("file"), "content");
    RawJoin evil = host.evil();
    Footprint before = Footprint.now();
    int most = 20_000;
    int sent =
        flood(
            evil.control(),
            most,
            id -> request(id).setOpenFile(OpenFile.newBuilder().setPath(path("file"))).build());
    assertThat(sent).isEqualTo(most);
    int opened = 0;
    for (int i = 0; i < most; i++) {
      Reply reply = reply(evil.control());
      if (reply.hasOpenedFile()) {
        opened++;
      } else {
        assertThat(reply.getFailure().getCode()).isEqualTo(FailureCode.FAILURE_CODE_TOO_MANY_OPEN);
      }
    }
    assertThat(opened).isEqualTo(16 * Limits.OPEN_HANDLES);
    host.requireServed();
    Footprint.now().requireNoMoreSince(before, MANY_BYTES);
    evil.peer().close();
  }

  @Test
  void streamsAndBulkLanesComeAndGoWithoutATrace() throws Exception {
    RawJoin evil = host.evil();
    evil.bulk(host.address, host.evilIdentity).peer().close();
    Footprint before = Footprint.now();
    for (long id = 1; id <= 100; id++) {
      evil.control()
          .send(
              FrameType.REQUEST,
              request(id)
                  .setNewLaneToken(
                      io.wormhole.protocol.wire.message.NewLaneToken.getDefaultInstance())
                  .build());
      RawJoin next = evil.with(reply(evil.control()).getLaneToken().getToken());
      RawJoin bulk = next.bulk(host.address, host.evilIdentity);
      bulk.control().send(FrameType.REQUEST, request(1).setPing(Ping.getDefaultInstance()).build());
      reply(bulk.control());
      bulk.peer().close();
      assertThat(bulk.peer().awaitClosed()).isTrue();
    }
    Footprint.now().requireNoMoreSince(before, MANY_BYTES);
    evil.peer().close();
  }

  @Test
  void tokenIsGoodForOneLaneOfItsOwnKeyWhileItsSessionLives() throws Exception {
    RawJoin evil = host.evil();
    evil.bulk(host.address, host.evilIdentity);
    assertThat(refusalOfBulk(evil, host.evilIdentity)).isEqualTo(badToken());
    RawJoin other = host.evil();
    assertThat(refusalOfBulk(other, host.hostIdentity)).as("another key").isEqualTo(badToken());
    assertThat(refusalOfBulk(other, host.evilIdentity)).as("used up by it").isEqualTo(badToken());
    RawJoin ended = host.evil();
    ended.peer().close();
    assertThat(ended.peer().awaitClosed()).isTrue();
    await(() -> host.gate().sessions().size() == 3);
    assertThat(refusalOfBulk(ended, host.evilIdentity)).isEqualTo(badToken());
  }

  private static RefusalReason badToken() {
    return RefusalReason.REFUSAL_REASON_BAD_TOKEN;
  }

  private RefusalReason refusalOfBulk(RawJoin join, io.wormhole.daemon.trust.Identity as)
      throws Exception {
    RawPeer lane = RawPeer.connect(host.address, as.privateKey(), as.certificate());
    RawStream stream = lane.open();
    stream.send(FrameType.BULK_HELLO, join.bulkHello());
    Frame answer = stream.next();
    assertThat(answer.type()).isEqualTo(FrameType.REFUSAL);
    assertThat(lane.awaitClosed()).isTrue();
    return Refusal.parseFrom(answer.payload()).getReason();
  }

  @Test
  void onePeerHasOnlySoManySessions() throws Exception {
    List<RawJoin> in = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      in.add(host.evil());
    }
    assertThatThrownBy(host::evil).isInstanceOf(AssertionError.class);
    assertThat(host.gate().sessions()).hasSize(33);
    host.requireServed();
    in.getFirst().peer().close();
    assertThat(in.getFirst().peer().awaitClosed()).isTrue();
    await(() -> host.gate().sessions().size() == 32);
    host.evil();
  }

  @Test
  void whoStandsBetweenWithACertificateOfHisOwnIsRefusedByBoth() throws Exception {
    try (ManInTheMiddle between = new ManInTheMiddle(host.evilIdentity, host.address)) {
      requireRefused(between, JoinException.Reason.WRONG_SECRET);
      assertThat(between.relayed())
          .containsExactly(
              FrameType.CLIENT_HELLO,
              FrameType.HOST_HELLO,
              FrameType.CLIENT_CONFIRM,
              FrameType.REFUSAL);
      // Each try is one guess, of which a source has three.
      requireRefused(between, JoinException.Reason.WRONG_SECRET);
      requireRefused(between, JoinException.Reason.WRONG_SECRET);
      requireRefused(between, JoinException.Reason.TOO_MANY_GUESSES);
    }
    assertThat(host.gate().sessions()).hasSize(1);
  }

  private void requireRefused(ManInTheMiddle between, JoinException.Reason reason) {
    assertThatThrownBy(() -> host.join(between.address()))
        .cause()
        .isInstanceOfSatisfying(
            JoinException.class, refused -> assertThat(refused.reason()).isEqualTo(reason));
  }

  @Test
  void nothingIsLeftOfPeersThatHaveGone() throws Exception {
    host.evil().peer().close();
    await(() -> host.gate().sessions().size() == 1);
    Footprint before = Footprint.now();
    for (int i = 0; i < 20; i++) {
      RawJoin evil = host.evil();
      evil.control()
          .send(
              FrameType.REQUEST, request(1).setListFolder(ListFolder.getDefaultInstance()).build());
      evil.peer().close();
    }
    await(() -> host.gate().sessions().size() == 1);
    Footprint after = Footprint.now();
    after.requireNoMoreSince(before, MANY_BYTES);
    assertThat(after.threads().stream().filter(name -> name.startsWith("net-")).toList())
        .isEqualTo(before.threads().stream().filter(name -> name.startsWith("net-")).toList());
  }

  private static void await(java.util.function.BooleanSupplier condition) {
    long end = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for twenty seconds").isLessThan(end);
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
    }
  }
}
