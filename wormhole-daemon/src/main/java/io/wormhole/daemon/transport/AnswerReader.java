package io.wormhole.daemon.transport;

import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Cancel;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import io.wormhole.protocol.wire.message.WholeFile;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The requests sent on one stream that have no answer yet. Numbers them, and finds for each answer
 * its request. On the event loop.
 *
 * <p>An answer to a number that was never given breaks the protocol; one to a request that was
 * given up meanwhile is skipped, once.
 */
final class AnswerReader implements FrameHandler {
  private final RequestWindow window;
  private final Map<Long, PendingRequest> pending = new HashMap<>();
  private volatile @Nullable FrameStream stream;
  private long nextId = 1;
  private long bytesInFlight;

  /** Requests whose time was over before an answer came: so many answers may still come late. */
  private long givenUp;

  AnswerReader(RequestWindow window) {
    this.window = window;
  }

  /** From here on requests are sent on {@code opened}. Any thread. */
  void attach(FrameStream opened) {
    stream = opened;
    window.add(this);
  }

  long bytesInFlight() {
    return bytesInFlight;
  }

  long lastSentId() {
    return nextId;
  }

  int requestsInFlight() {
    return pending.size();
  }

  void send(PendingRequest request, long nowNanos) {
    long id = nextId++;
    Request message = request.sent(this, id, nowNanos);
    pending.put(id, request);
    bytesInFlight += request.answerBytes();
    try {
      attached().send(FrameType.REQUEST, message);
    } catch (IllegalArgumentException tooLarge) {
      remove(request);
      request.fail(tooLarge);
    }
  }

  /** Tells the host that nobody waits for this request any more. */
  void sendCancel(PendingRequest request) {
    attached()
        .send(
            FrameType.REQUEST,
            Request.newBuilder()
                .setId(nextId++)
                .setDeadlineMillis(Limits.DEADLINE_MILLIS)
                .setCancel(Cancel.newBuilder().setId(request.id()))
                .build());
  }

  /** Gives up every request whose time is over. */
  void expire(long nowNanos) {
    List<PendingRequest> late = new ArrayList<>();
    for (PendingRequest request : pending.values()) {
      if (request.isLate(nowNanos)) {
        late.add(request);
      }
    }
    for (PendingRequest request : late) {
      givenUp++;
      if (remove(request)) {
        request.fail(request.timeout());
      }
    }
  }

  @Override
  public void frame(FrameStream from, FrameType type, ByteBuffer payload) throws WireException {
    window.heard();
    switch (type) {
      case REPLY -> answered(parse(payload));
      case REFUSAL -> {
        // Its reason comes again with the close that follows.
      }
      default -> throw new WireException("a %s frame where answers come".formatted(type));
    }
  }

  @Override
  public @Nullable ChunkSink chunk(FrameStream from, ChunkHeader header) throws WireException {
    window.heard();
    return switch (pending.get(header.requestId())) {
      case null -> {
        requireAsked(header.requestId());
        yield null;
      }
      case PendingRequest.Call _ ->
          throw new WireException("a chunk for a request that was no read");
      case PendingRequest.Read read when header.dataBytes() > read.answerBytes() ->
          throw new WireException(
              "a chunk of %d bytes, asked for %d"
                  .formatted(header.dataBytes(), read.answerBytes()));
      case PendingRequest.Read read -> new Arriving(read, header);
    };
  }

  @Override
  public void ended(FrameStream from, LaneException why) {
    window.remove(this);
    for (PendingRequest request : List.copyOf(pending.values())) {
      if (remove(request)) {
        request.fail(why);
      }
    }
    window.streamEnded(why);
  }

  private void answered(Reply reply) throws WireException {
    PendingRequest request = pending.get(reply.getId());
    if (request == null) {
      requireAsked(reply.getId());
      return;
    }
    if (reply.hasSmallFiles()) {
      int bytes = 0;
      for (WholeFile file : reply.getSmallFiles().getFilesList()) {
        bytes += file.getData().size();
      }
      window.arrived(request, bytes);
    }
    if (remove(request)) {
      try {
        request.answered(reply);
      } catch (WireException broken) {
        request.fail(
            new LaneException(
                LaneException.Kind.PROTOCOL,
                CloseReason.PROTOCOL,
                "the host sent " + broken.getMessage()));
        throw broken;
      }
    }
  }

  /** Makes room for another; says whether the caller of this one still waits. */
  private boolean remove(PendingRequest request) {
    pending.remove(request.id());
    bytesInFlight -= request.answerBytes();
    boolean wanted = request.stage() == PendingRequest.Stage.IN_FLIGHT;
    request.done();
    window.free(request);
    return wanted;
  }

  /** An answer that no pending request takes must be one that is late. */
  private void requireAsked(long id) throws WireException {
    if (id < 1 || id >= nextId) {
      throw new WireException("an answer to request %d, which was never made".formatted(id));
    }
    if (--givenUp < 0) {
      throw new WireException("a second answer to request %d".formatted(id));
    }
  }

  private FrameStream attached() {
    return Objects.requireNonNull(stream, "requests are sent once the stream is open");
  }

  private static Reply parse(ByteBuffer payload) throws WireException {
    try {
      return Reply.parseFrom(payload);
    } catch (InvalidProtocolBufferException e) {
      throw new WireException("a reply that is none: " + e.getMessage());
    }
  }

  /**
   * The chunk of a read, on its way into the caller's memory. One that is not wanted any more keeps
   * its room until it has come: so long it takes its part of the path.
   */
  private final class Arriving implements ChunkSink {
    private final PendingRequest.Read read;
    private final ChunkHeader header;

    Arriving(PendingRequest.Read read, ChunkHeader header) {
      this.read = read;
      this.header = header;
    }

    @Override
    public MemorySegment destination() {
      return read.destination();
    }

    @Override
    public boolean wanted() {
      return read.stage() == PendingRequest.Stage.IN_FLIGHT;
    }

    @Override
    public void complete() {
      if (read.stage() == PendingRequest.Stage.DONE) {
        // It was given up while it came, and has come now.
        givenUp--;
        return;
      }
      window.arrived(read, header.dataBytes());
      if (remove(read)) {
        read.arrived(header);
      }
    }

    @Override
    public void failed(LaneException why) {
      // Like every other request of the stream, which has ended.
    }
  }
}
