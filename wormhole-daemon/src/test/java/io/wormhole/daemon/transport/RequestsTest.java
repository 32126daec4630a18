package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.RemoteException;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.Done;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.Ping;
import io.wormhole.protocol.wire.message.Priority;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RequestsTest {
  private static final TransportSettings QUICK =
      TransportSettings.DEFAULTS.withTimes(
          Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofMillis(300));

  @Test
  void readsOverFourStreamsBringTheRightBytes() throws Exception {
    try (Wire wire = Wire.serving(TransportSettings.DEFAULTS, Wire::answerRead);
        Arena arena = Arena.ofShared()) {
      BulkRequests bulk =
          Wire.await(
              new BulkRequests(wire.dialTrusted(), RequestLimits.DEFAULTS)
                  .open(BulkRequests.STREAMS));
      List<MemorySegment> memory = new ArrayList<>();
      List<PendingRead> reads = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        memory.add(arena.allocate(Limits.CHUNK_BYTES));
        reads.add(bulk.read(Wire.readOf(i, Limits.CHUNK_BYTES), memory.get(i), Wire.SOON));
      }
      MemorySegment expected = arena.allocate(Limits.CHUNK_BYTES);
      for (int i = 0; i < reads.size(); i++) {
        assertThat(Wire.await(reads.get(i).answer())).isInstanceOf(PendingRead.Answer.Bytes.class);
        Wire.fill(expected, (long) i * Limits.CHUNK_BYTES);
        assertThat(memory.get(i).mismatch(expected)).isEqualTo(-1);
      }
    }
  }

  @Test
  void tenThousandPipelinedRequestsFindTheirAnswers() throws Exception {
    RequestHandler echo =
        (request, responder) -> {
          long handle = request.getGetAttributes().getHandle();
          byte[] name = new byte[(int) (handle % 300)];
          responder.reply(
              Reply.newBuilder()
                  .setFolderPage(
                      FolderPage.newBuilder()
                          .setHandle(handle)
                          .addEntries(
                              FolderEntry.newBuilder().setName(ByteString.copyFrom(name)))));
        };
    try (Wire wire = Wire.serving(TransportSettings.DEFAULTS, echo)) {
      RequestStream requests =
          Wire.await(RequestStream.open(wire.dialTrusted(), RequestLimits.DEFAULTS));
      Random random = new Random(9);
      List<Long> asked = new ArrayList<>();
      List<CompletableFuture<Reply>> answers = new ArrayList<>();
      for (int burst = 0; burst < 5; burst++) {
        for (int i = 0; i < 2000; i++) {
          long handle = random.nextLong(1L << 40);
          asked.add(handle);
          answers.add(requests.call(Wire.attributesOf(handle), Wire.SOON));
        }
        Wire.await(answers.getLast());
      }
      for (int i = 0; i < asked.size(); i++) {
        FolderPage page = Wire.await(answers.get(i)).getFolderPage();
        assertThat(page.getHandle()).isEqualTo(asked.get(i));
        assertThat(page.getEntries(0).getName().size()).isEqualTo((int) (asked.get(i) % 300));
      }
    }
  }

  @Test
  void aShortReadAnEmptyReadAndAChangedFileAreTold() throws Exception {
    RequestHandler handler =
        (request, responder) -> {
          switch ((int) request.getReadFile().getHandle()) {
            case 1 -> {
              Outbound data = responder.allocate(100);
              Wire.fill(data.data(), 3);
              responder.chunk(Wire.header(request.getId(), 60), data);
            }
            case 2 -> responder.chunk(Wire.header(request.getId(), 0), responder.allocate(0));
            default ->
                responder.reply(Reply.newBuilder().setChanged(Attributes.newBuilder().setSize(77)));
          }
        };
    try (Wire wire = Wire.serving(TransportSettings.DEFAULTS, handler);
        Arena arena = Arena.ofShared()) {
      RequestStream requests =
          Wire.await(RequestStream.open(wire.dialTrusted(), RequestLimits.DEFAULTS));
      MemorySegment memory = arena.allocate(200);
      assertThat(bytesOf(requests, 1, memory)).isEqualTo(60);
      MemorySegment expected = arena.allocate(60);
      Wire.fill(expected, 3);
      assertThat(memory.asSlice(0, 60).mismatch(expected)).isEqualTo(-1);
      assertThat(memory.get(ValueLayout.JAVA_BYTE, 60)).isZero();
      assertThat(bytesOf(requests, 2, memory)).isZero();
      assertThat(Wire.await(requests.read(readFrom(3), memory, Wire.SOON).answer()))
          .isEqualTo(new PendingRead.Answer.Changed(Attributes.newBuilder().setSize(77).build()));
    }
  }

  @Test
  void failuresAndFaultsOfTheHandlerAreAnswered() throws Exception {
    RequestHandler handler =
        (request, responder) -> {
          switch ((int) request.getGetAttributes().getHandle()) {
            case 1 -> responder.fail(FailureCode.FAILURE_CODE_NOT_FOUND);
            case 2 -> throw new IllegalStateException("a fault");
            case 3 -> {
              responder.reply(Reply.newBuilder().setDone(Done.getDefaultInstance()));
              responder.fail(FailureCode.FAILURE_CODE_IO);
            }
            case 4 ->
                responder.reply(
                    Reply.newBuilder()
                        .setFolderPage(
                            FolderPage.newBuilder()
                                .addEntries(
                                    FolderEntry.newBuilder()
                                        .setName(ByteString.copyFrom(new byte[300_000])))));
            case 6 -> throw new OutOfMemoryError("a fault that nobody expects");
            default -> {
              // Forgotten.
            }
          }
        };
    try (Wire wire = Wire.serving(TransportSettings.DEFAULTS, handler)) {
      RequestStream requests =
          Wire.await(RequestStream.open(wire.dialTrusted(), RequestLimits.DEFAULTS));
      assertThat(failureOf(requests, 1)).isEqualTo(FailureCode.FAILURE_CODE_NOT_FOUND);
      assertThat(failureOf(requests, 2)).isEqualTo(FailureCode.FAILURE_CODE_IO);
      assertThat(Wire.await(requests.call(Wire.attributesOf(3), Wire.SOON)).hasDone()).isTrue();
      assertThat(failureOf(requests, 4)).isEqualTo(FailureCode.FAILURE_CODE_IO);
      assertThat(failureOf(requests, 5)).isEqualTo(FailureCode.FAILURE_CODE_IO);
      for (int i = 0; i < 10; i++) {
        assertThat(failureOf(requests, 6)).isEqualTo(FailureCode.FAILURE_CODE_IO);
      }
    }
  }

  @Test
  void aServerThatNeverAnswersIsGivenUpAtTheDeadline() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    try (Wire wire =
            Wire.serving(
                TransportSettings.DEFAULTS,
                (request, responder) -> {
                  awaitQuietly(over);
                  Wire.answerRead(request, responder);
                });
        Arena arena = Arena.ofShared()) {
      RequestStream requests =
          Wire.await(RequestStream.open(wire.dialTrusted(), RequestLimits.DEFAULTS));
      MemorySegment memory = arena.allocate(1000);
      PendingRead read = requests.read(Wire.readOf(0, 1000), memory, Duration.ofMillis(300));
      assertThatThrownBy(() -> Wire.await(read.answer()))
          .hasCauseInstanceOf(TimeoutException.class);
      over.countDown();
      // The late answer is skipped; what follows it is understood.
      assertThat(bytesOf(requests, 1, memory)).isEqualTo(100);
    }
  }

  @Test
  void callersBeyondTheLimitWaitTheirTurnAndKeepTheirDeadline() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    AtomicInteger handled = new AtomicInteger();
    RequestHandler handler =
        (request, responder) -> {
          awaitQuietly(over);
          handled.incrementAndGet();
          responder.reply(Reply.newBuilder().setDone(Done.getDefaultInstance()));
        };
    try (Wire wire = Wire.serving(TransportSettings.DEFAULTS, handler)) {
      RequestStream requests =
          Wire.await(
              RequestStream.open(
                  wire.dialTrusted(), new RequestLimits(10, Limits.BYTES_IN_FLIGHT)));
      List<CompletableFuture<Reply>> calls = new ArrayList<>();
      for (int i = 0; i < 30; i++) {
        calls.add(requests.call(Wire.attributesOf(i), Wire.SOON));
      }
      CompletableFuture<Reply> hurried =
          requests.call(Wire.attributesOf(99), Duration.ofMillis(200));
      assertThatThrownBy(() -> Wire.await(hurried)).hasCauseInstanceOf(TimeoutException.class);
      over.countDown();
      for (CompletableFuture<Reply> call : calls) {
        Wire.await(call);
      }
      assertThat(handled).hasValue(30);
    }
  }

  @Test
  void aWaitingReaderIsServedBeforeReadAhead() throws Exception {
    CountDownLatch start = new CountDownLatch(1);
    ConcurrentLinkedQueue<Priority> order = new ConcurrentLinkedQueue<>();
    CountDownLatch arrived = new CountDownLatch(4);
    RequestHandler handler =
        (request, responder) -> {
          if (arrived.getCount() > 0) {
            // Keeps every thread busy while the others queue.
            arrived.countDown();
            awaitQuietly(start);
          } else {
            order.add(request.getPriority());
          }
          responder.reply(Reply.newBuilder().setDone(Done.getDefaultInstance()));
        };
    try (Wire wire = Wire.serving(TransportSettings.DEFAULTS, handler)) {
      RequestStream requests =
          Wire.await(RequestStream.open(wire.dialTrusted(), RequestLimits.DEFAULTS));
      List<CompletableFuture<Reply>> calls = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        calls.add(requests.call(Wire.attributesOf(i), Wire.SOON));
      }
      assertThat(arrived.await(20, TimeUnit.SECONDS)).isTrue();
      for (int i = 0; i < 20; i++) {
        calls.add(
            requests.call(
                Wire.attributesOf(i).setPriority(Priority.PRIORITY_READ_AHEAD), Wire.SOON));
      }
      for (int i = 0; i < 20; i++) {
        calls.add(
            requests.call(Wire.attributesOf(i).setPriority(Priority.PRIORITY_WAITING), Wire.SOON));
      }
      // Answered at once by the host, so everything before it has arrived.
      Wire.await(requests.call(Request.newBuilder().setPing(Ping.getDefaultInstance()), Wire.SOON));
      start.countDown();
      for (CompletableFuture<Reply> call : calls) {
        Wire.await(call);
      }
      assertThat(new ArrayList<>(order).subList(0, 16)).containsOnly(Priority.PRIORITY_WAITING);
    }
  }

  @Test
  void readAheadThatSomebodyWaitsForByNowGoesFirst() throws Exception {
    CountDownLatch start = new CountDownLatch(1);
    ConcurrentLinkedQueue<Request> order = new ConcurrentLinkedQueue<>();
    RequestHandler handler =
        (request, responder) -> {
          if (request.hasReadFile()) {
            order.add(request);
            Wire.answerRead(request, responder);
          } else {
            awaitQuietly(start);
            responder.reply(Reply.newBuilder().setDone(Done.getDefaultInstance()));
          }
        };
    try (Wire wire = Wire.serving(TransportSettings.DEFAULTS, handler);
        Arena arena = Arena.ofShared()) {
      Lane lane = wire.dialTrusted();
      RequestStream requests =
          Wire.await(RequestStream.open(lane, new RequestLimits(1, Limits.BYTES_IN_FLIGHT)));
      CompletableFuture<Reply> inTheWay = requests.call(Wire.attributesOf(1), Wire.SOON);
      List<PendingRead> reads = new ArrayList<>();
      for (int index = 0; index < 6; index++) {
        reads.add(
            requests.read(
                Wire.readOf(index, 1000).setPriority(Priority.PRIORITY_READ_AHEAD),
                arena.allocate(1000),
                Wire.SOON));
      }
      reads.get(4).hurry();
      // An event loop reads what has come before it does what it was told.
      CompletableFuture<Boolean> hurried = new CompletableFuture<>();
      ((ChannelLane) lane).execute(() -> hurried.complete(true));
      Wire.await(hurried);
      start.countDown();
      Wire.await(inTheWay);
      for (PendingRead read : reads) {
        Wire.await(read.answer());
      }
      assertThat(order.peek().getReadFile().getOffset()).isEqualTo(4L * Limits.CHUNK_BYTES);
      assertThat(order.peek().getPriority()).isEqualTo(Priority.PRIORITY_WAITING);
      reads.get(0).hurry();
    }
  }

  @Test
  void aCancelledReadIsGivenBackAndNeverHandled() throws Exception {
    CountDownLatch start = new CountDownLatch(1);
    CountDownLatch busy = new CountDownLatch(4);
    AtomicInteger handled = new AtomicInteger();
    RequestHandler handler =
        (request, responder) -> {
          handled.incrementAndGet();
          busy.countDown();
          awaitQuietly(start);
          Wire.answerRead(request, responder);
        };
    try (Wire wire = Wire.serving(TransportSettings.DEFAULTS, handler);
        Arena arena = Arena.ofShared()) {
      RequestStream requests =
          Wire.await(RequestStream.open(wire.dialTrusted(), RequestLimits.DEFAULTS));
      List<PendingRead> reads = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        reads.add(requests.read(Wire.readOf(i, 1000), arena.allocate(1000), Wire.SOON));
      }
      assertThat(busy.await(20, TimeUnit.SECONDS)).isTrue();
      reads.forEach(PendingRead::cancel);
      for (PendingRead read : reads) {
        assertThatThrownBy(() -> Wire.await(read.answer()))
            .hasCauseInstanceOf(RemoteException.class);
      }
      Wire.await(requests.call(Request.newBuilder().setPing(Ping.getDefaultInstance()), Wire.SOON));
      start.countDown();
      assertThat(
              Wire.await(
                  requests.read(Wire.readOf(1, 1000), arena.allocate(1000), Wire.SOON).answer()))
          .isInstanceOf(PendingRead.Answer.Bytes.class);
      assertThat(handled).hasValue(5);
    }
  }

  @Test
  void aReadGivenUpWhileItArrivesMakesRoomWhenItHasCome() throws Exception {
    int bytes = 1000;
    byte[] half = new byte[bytes / 2];
    Arrays.fill(half, (byte) 5);
    Misbehaviour inTwoPieces =
        (stream, request) -> {
          switch (request.getBodyCase()) {
            case READ_FILE -> {
              ChunkHeader header = Wire.header(request.getId(), bytes);
              int headBytes = FrameHeader.BYTES + header.headBytes();
              ByteBuffer begin = ByteBuffer.allocate(headBytes + half.length);
              new FrameHeader(FrameType.CHUNK, header.payloadBytes()).write(begin);
              header.write(begin);
              RawFrames.send(stream, begin.put(half).array());
            }
            case CANCEL -> RawFrames.send(stream, half);
            default ->
                stream.send(
                    FrameType.REPLY,
                    Reply.newBuilder()
                        .setId(request.getId())
                        .setDone(Done.getDefaultInstance())
                        .build());
          }
        };
    try (Wire wire = answering(inTwoPieces);
        Arena arena = Arena.ofShared()) {
      RequestStream requests =
          Wire.await(
              RequestStream.open(wire.dialTrusted(), new RequestLimits(1, Limits.BYTES_IN_FLIGHT)));
      MemorySegment memory = arena.allocate(bytes);
      PendingRead read = requests.read(Wire.readOf(0, bytes), memory, Duration.ofMinutes(10));
      long end = System.nanoTime() + Wire.SOON.toNanos();
      while (memory.get(ValueLayout.JAVA_BYTE, half.length - 1) != 5) {
        assertThat(System.nanoTime()).isLessThan(end);
        Thread.sleep(1);
      }
      read.cancel();

      Request.Builder another = Request.newBuilder().setPing(Ping.getDefaultInstance());
      assertThat(Wire.await(requests.call(another, Wire.SOON)).hasDone()).isTrue();
      assertThat(memory.asSlice(half.length).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
    }
  }

  @Test
  void aRequestPastItsDeadlineIsNotHandled() throws Exception {
    CountDownLatch start = new CountDownLatch(1);
    CountDownLatch busy = new CountDownLatch(4);
    AtomicInteger handled = new AtomicInteger();
    RequestHandler handler =
        (request, responder) -> {
          handled.incrementAndGet();
          busy.countDown();
          awaitQuietly(start);
          responder.reply(Reply.newBuilder().setDone(Done.getDefaultInstance()));
        };
    try (Wire wire = Wire.serving(TransportSettings.DEFAULTS, handler)) {
      RequestStream requests =
          Wire.await(RequestStream.open(wire.dialTrusted(), RequestLimits.DEFAULTS));
      for (int i = 0; i < 4; i++) {
        var _ = requests.call(Wire.attributesOf(i), Wire.SOON);
      }
      assertThat(busy.await(20, TimeUnit.SECONDS)).isTrue();
      CompletableFuture<Reply> late = requests.call(Wire.attributesOf(9), Duration.ofMillis(100));
      assertThatThrownBy(() -> Wire.await(late)).hasCauseInstanceOf(TimeoutException.class);
      // Answered after the late one has arrived; and then its time passes at the host, too.
      Wire.await(requests.call(Request.newBuilder().setPing(Ping.getDefaultInstance()), Wire.SOON));
      CompletableFuture<Reply> pause = requests.call(Wire.attributesOf(9), Duration.ofMillis(300));
      assertThatThrownBy(() -> Wire.await(pause)).hasCauseInstanceOf(TimeoutException.class);
      start.countDown();
      Wire.await(requests.call(Wire.attributesOf(10), Wire.SOON));
      // The last one's time may have passed before or after its turn came.
      assertThat(handled.get()).isBetween(5, 6);
    }
  }

  @Test
  void aLostHostFailsEverythingWithinTheIdleTimeout() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    try (Wire wire = Wire.serving(QUICK, (_, _) -> awaitQuietly(over));
        UdpRelay network = new UdpRelay(wire.listener.address());
        Arena arena = Arena.ofShared()) {
      Lane lane = Wire.await(wire.mount.dial(network.address(), Duration.ofSeconds(8)));
      lane.trust();
      BulkRequests bulk = Wire.await(new BulkRequests(lane, RequestLimits.DEFAULTS).open(4));
      List<CompletableFuture<?>> pending = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        pending.add(bulk.call(Wire.attributesOf(i), Wire.SOON));
        pending.add(bulk.read(Wire.readOf(i, 1000), arena.allocate(1000), Wire.SOON).answer());
      }
      network.cut();
      for (CompletableFuture<?> answer : pending) {
        assertThatThrownBy(() -> Wire.await(answer)).hasCauseInstanceOf(LaneException.class);
      }
      assertThat(Wire.await(lane.closed()).kind()).isEqualTo(LaneException.Kind.UNREACHABLE);
      assertThatThrownBy(() -> Wire.await(bulk.call(Wire.attributesOf(1), Wire.SOON)))
          .hasCauseInstanceOf(LaneException.class);
      over.countDown();
    }
  }

  @Test
  void theHostReadsNoMoreThanItsLimitOfRequests() throws Exception {
    assertHostStopsAt(Limits.REQUESTS_IN_FLIGHT, id -> Wire.attributesOf(1).setId(id));
  }

  @Test
  void theHostReadsNoMoreThanItsLimitOfBytes() throws Exception {
    assertHostStopsAt(
        Limits.BYTES_IN_FLIGHT / Limits.CHUNK_BYTES,
        id -> Wire.readOf(id, Limits.CHUNK_BYTES).setId(id));
  }

  /** Asks a host for more than it may take at once, as a client that keeps to no limit. */
  private static void assertHostStopsAt(int limit, IntFunction<Request.Builder> requests)
      throws Exception {
    BlockingQueue<Runnable> work = new LinkedBlockingQueue<>();
    AtomicInteger lanes = new AtomicInteger();
    Semaphore read = new Semaphore(0);
    try (Wire wire =
        new Wire(
            TransportSettings.DEFAULTS,
            lane -> {
              lane.trust();
              FrameHandler server =
                  new RequestServer((_, to) -> to.fail(FailureCode.FAILURE_CODE_IO), work::add, 1)
                      .stream();
              return lanes.getAndIncrement() == 0 ? counting(server, read) : server;
            })) {
      FrameStream greedy = Wire.await(wire.dialTrusted().openStream(new Recorder()));
      int tooMany = 50;
      for (int id = 1; id <= limit + tooMany; id++) {
        greedy.send(FrameType.REQUEST, requests.apply(id).setDeadlineMillis(60_000).build());
      }
      assertThat(read.tryAcquire(limit, 20, TimeUnit.SECONDS)).isTrue();
      // When it has answered another lane so often, the event loop has long had the rest.
      Recorder pings = new Recorder();
      FrameStream other = Wire.await(wire.dialTrusted().openStream(pings));
      Ping ping = Ping.getDefaultInstance();
      for (int id = 1; id <= 20; id++) {
        other.send(
            FrameType.REQUEST,
            Request.newBuilder().setId(id).setDeadlineMillis(60_000).setPing(ping).build());
        pings.next();
      }
      assertThat(read.availablePermits()).isZero();
      while (!read.tryAcquire(tooMany)) {
        Runnable task = work.poll(20, TimeUnit.SECONDS);
        assertThat(task).as("the host goes on").isNotNull();
        task.run();
      }
    }
  }

  private static FrameHandler counting(FrameHandler server, Semaphore read) {
    return new FrameHandler() {
      @Override
      public void frame(FrameStream stream, FrameType type, ByteBuffer payload)
          throws WireException {
        server.frame(stream, type, payload);
        read.release();
      }

      @Override
      public void ended(FrameStream stream, LaneException why) {
        server.ended(stream, why);
      }
    };
  }

  @Test
  void aClientThatDoesNotReadMakesTheHostStop() throws Exception {
    AtomicInteger handled = new AtomicInteger();
    RequestHandler handler =
        (request, responder) -> {
          handled.incrementAndGet();
          Wire.answerRead(request, responder);
        };
    TransportSettings small =
        new TransportSettings(
            Duration.ofSeconds(30),
            Duration.ofSeconds(10),
            Duration.ofSeconds(10),
            Duration.ofSeconds(10),
            256,
            16,
            4 << 20,
            1350,
            65_527,
            10,
            32,
            64 << 10,
            64 << 10,
            64 << 10,
            64 << 10,
            16,
            10,
            true);
    try (Wire wire = Wire.serving(small, handler)) {
      Lane lane = wire.dialTrusted();
      Recorder deaf = new Recorder();
      FrameStream stream = Wire.await(lane.openStream(deaf));
      stream.readEnabled(false);
      int requests = 60;
      for (int i = 1; i <= requests; i++) {
        stream.send(
            FrameType.REQUEST,
            Wire.readOf(i, Limits.CHUNK_BYTES).setId(i).setDeadlineMillis(100_000).build());
      }
      // A ping on another stream comes after all of them have been decoded or left unread.
      RequestStream other = Wire.await(RequestStream.open(lane, RequestLimits.DEFAULTS));
      var _ =
          other
              .call(Request.newBuilder().setPing(Ping.getDefaultInstance()), Duration.ofSeconds(2))
              .handle((reply, why) -> reply != null || why != null)
              .get(20, TimeUnit.SECONDS);
      assertThat(handled.get()).isLessThan(20);
      stream.readEnabled(true);
      for (int i = 0; i < requests; i++) {
        assertThat(deaf.next().payload()).hasSize(Limits.CHUNK_BYTES);
      }
      assertThat(handled).hasValue(requests);
    }
  }

  @Test
  void anAnswerNobodyAskedForEndsTheLane() throws Exception {
    assertClosesFor((stream, _) ->
        stream.send(
            FrameType.REPLY,
            Reply.newBuilder().setId(4711).setDone(Done.getDefaultInstance()).build()));
  }

  @Test
  void aChunkLongerThanTheReadEndsTheLane() throws Exception {
    assertClosesFor((stream, request) ->
        stream.send(Wire.header(request.getId(), 1001), stream.allocate(1001)));
  }

  @Test
  void aReplyOfTheWrongKindEndsTheLane() throws Exception {
    assertClosesFor((stream, request) ->
        stream.send(
            FrameType.REPLY,
            Reply.newBuilder().setId(request.getId()).setDone(Done.getDefaultInstance()).build()));
  }

  @Test
  void requestsThatBreakTheRulesEndTheLane() throws Exception {
    List<Request> broken =
        List.of(
            Wire.attributesOf(1).setId(1).setDeadlineMillis(0).build(),
            Wire.attributesOf(1).setId(1).setDeadlineMillis(120_001).build(),
            Wire.attributesOf(1).setId(1).setDeadlineMillis(-1).build());
    CountDownLatch over = new CountDownLatch(1);
    try (Wire wire = Wire.serving(TransportSettings.DEFAULTS, (_, _) -> awaitQuietly(over))) {
      for (Request request : broken) {
        Lane lane = wire.dialTrusted();
        Wire.await(lane.openStream(new Recorder())).send(FrameType.REQUEST, request);
        assertThat(Wire.await(lane.closed()).reason()).isEqualTo(CloseReason.PROTOCOL);
      }
      Lane lane = wire.dialTrusted();
      FrameStream stream = Wire.await(lane.openStream(new Recorder()));
      stream.send(
          FrameType.REQUEST, Wire.attributesOf(1).setId(1).setDeadlineMillis(90_000).build());
      stream.send(
          FrameType.REQUEST, Wire.attributesOf(1).setId(1).setDeadlineMillis(90_000).build());
      assertThat(Wire.await(lane.closed()).reason()).isEqualTo(CloseReason.PROTOCOL);
      over.countDown();
    }
  }

  private interface Misbehaviour {
    void answer(FrameStream stream, Request request);
  }

  /** A host that answers in this way. */
  private static Wire answering(Misbehaviour host) throws Exception {
    FrameHandler handler =
        new FrameHandler() {
          @Override
          public void frame(FrameStream stream, FrameType type, ByteBuffer payload) {
            try {
              host.answer(stream, Request.parseFrom(payload));
            } catch (InvalidProtocolBufferException e) {
              throw new AssertionError(e);
            }
          }

          @Override
          public void ended(FrameStream stream, LaneException why) {}
        };
    return new Wire(
        TransportSettings.DEFAULTS,
        lane -> {
          lane.trust();
          return handler;
        });
  }

  /** A host that answers a read of 1000 bytes in this way. */
  private static void assertClosesFor(Misbehaviour host) throws Exception {
    try (Wire wire = answering(host);
        Arena arena = Arena.ofShared()) {
      Lane lane = wire.dialTrusted();
      RequestStream requests = Wire.await(RequestStream.open(lane, RequestLimits.DEFAULTS));
      PendingRead read = requests.read(Wire.readOf(0, 1000), arena.allocate(2000), Wire.SOON);
      assertThatThrownBy(() -> Wire.await(read.answer())).hasCauseInstanceOf(LaneException.class);
      assertThat(Wire.await(lane.closed()).kind()).isEqualTo(LaneException.Kind.PROTOCOL);
    }
  }

  private static Request.Builder readFrom(long handle) {
    return Request.newBuilder().setReadFile(ReadFile.newBuilder().setHandle(handle).setLength(100));
  }

  private static int bytesOf(Requests requests, long handle, MemorySegment memory)
      throws Exception {
    PendingRead.Answer answer =
        Wire.await(requests.read(readFrom(handle), memory, Wire.SOON).answer());
    return ((PendingRead.Answer.Bytes) answer).header().dataBytes();
  }

  private static FailureCode failureOf(Requests requests, long handle) throws Exception {
    try {
      Reply reply = Wire.await(requests.call(Wire.attributesOf(handle), Wire.SOON));
      throw new AssertionError("answered " + reply.getBodyCase());
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RemoteException why) {
        return why.code();
      }
      throw e;
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      if (!latch.await(30, TimeUnit.SECONDS)) {
        throw new AssertionError("the test did not let go");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
