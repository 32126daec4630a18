package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * Requests spread over several streams of one trusted lane: a chunk that must be sent again then
 * holds up a part of what follows, not all of it. Each request takes the stream with the least to
 * come. What is in flight is counted for the lane as a whole.
 */
public final class BulkRequests implements Requests {
  /** How many streams a bulk lane has. */
  public static final int STREAMS = 4;

  private final RequestWindow window;

  /** Has no stream yet; requests before the first one fail. */
  public BulkRequests(Lane lane, RequestLimits limits) {
    this.window = new RequestWindow((ChannelLane) lane, limits);
  }

  /**
   * Adds a stream that is open already.
   *
   * @return to be handed everything that comes on it from now on, {@link FrameHandler#ended} too
   */
  public FrameHandler add(FrameStream stream) {
    AnswerReader reader = new AnswerReader(window);
    reader.attach(stream);
    return reader;
  }

  /** Opens {@code streams} more; fails as {@link Lane#openStream} does. */
  public CompletableFuture<BulkRequests> open(int streams) {
    CompletableFuture<?>[] opening = new CompletableFuture<?>[streams];
    for (int i = 0; i < streams; i++) {
      AnswerReader reader = new AnswerReader(window);
      opening[i] = lane().openStream(reader).thenAccept(reader::attach);
    }
    return CompletableFuture.allOf(opening).thenApply(_ -> this);
  }

  @Override
  public CompletableFuture<Reply> call(Request.Builder request, Duration deadline) {
    return ask(request, deadline).answer();
  }

  @Override
  public Pending<Reply> ask(Request.Builder request, Duration deadline) {
    return RequestStream.ask(window, request, deadline);
  }

  @Override
  public PendingRead read(Request.Builder request, MemorySegment destination, Duration deadline) {
    return RequestStream.read(window, request, destination, deadline);
  }

  @Override
  public Lane lane() {
    return window.lane();
  }

  @Override
  public void whenQuiet(Runnable listener) {
    window.whenQuiet(listener);
  }
}
