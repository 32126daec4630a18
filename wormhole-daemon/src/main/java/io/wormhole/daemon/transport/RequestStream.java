package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Requests on one stream of a trusted lane. It is that stream's {@link FrameHandler}: where the
 * stream had another one first, that one hands on to this one everything from trust to {@link
 * #ended}.
 *
 * <p>A lane on which nothing is heard for {@link TransportSettings#keepAlive} is sent a ping.
 */
public final class RequestStream implements Requests, FrameHandler {
  private final RequestWindow window;
  private final AnswerReader reader;

  private RequestStream(Lane lane, RequestLimits limits) {
    this.window = new RequestWindow((ChannelLane) lane, limits);
    this.reader = new AnswerReader(window);
  }

  /** Requests on a stream that is open already. */
  public RequestStream(FrameStream stream, RequestLimits limits) {
    this(stream.lane(), limits);
    reader.attach(stream);
  }

  /** Requests on a new stream of {@code lane}; fails as {@link Lane#openStream} does. */
  public static CompletableFuture<RequestStream> open(Lane lane, RequestLimits limits) {
    RequestStream requests = new RequestStream(lane, limits);
    return lane.openStream(requests)
        .thenApply(stream -> {
          requests.reader.attach(stream);
          return requests;
        });
  }

  @Override
  public CompletableFuture<Reply> call(Request.Builder request, Duration deadline) {
    return ask(request, deadline).answer();
  }

  @Override
  public Pending<Reply> ask(Request.Builder request, Duration deadline) {
    return ask(window, request, deadline);
  }

  @Override
  public PendingRead read(Request.Builder request, MemorySegment destination, Duration deadline) {
    return read(window, request, destination, deadline);
  }

  @Override
  public Lane lane() {
    return window.lane();
  }

  @Override
  public void whenQuiet(Runnable listener) {
    window.whenQuiet(listener);
  }

  @Override
  public void frame(FrameStream stream, FrameType type, ByteBuffer payload) throws WireException {
    reader.frame(stream, type, payload);
  }

  @Override
  public @Nullable ChunkSink chunk(FrameStream stream, ChunkHeader header) throws WireException {
    return reader.chunk(stream, header);
  }

  @Override
  public void ended(FrameStream stream, LaneException why) {
    reader.ended(stream, why);
  }

  static Pending<Reply> ask(RequestWindow window, Request.Builder request, Duration deadline) {
    PendingRequest.Call call = new PendingRequest.Call(request, deadline);
    window.submit(call);
    return new Pending<>() {
      @Override
      public CompletableFuture<Reply> answer() {
        return call.answer();
      }

      @Override
      public void hurry() {
        window.hurry(call);
      }

      @Override
      public void cancel() {
        window.cancel(call);
      }
    };
  }

  static PendingRead read(
      RequestWindow window, Request.Builder request, MemorySegment destination, Duration deadline) {
    PendingRequest.Read read = new PendingRequest.Read(request, destination, deadline);
    window.submit(read);
    return new PendingRead() {
      @Override
      public CompletableFuture<Answer> answer() {
        return read.answer();
      }

      @Override
      public void hurry() {
        window.hurry(read);
      }

      @Override
      public void cancel() {
        window.cancel(read);
      }
    };
  }
}
