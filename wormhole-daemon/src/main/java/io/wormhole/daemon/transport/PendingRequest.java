package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.RemoteException;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Priority;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A request from the moment a caller made it until he has his answer. Lives on the lane's event
 * loop but for the caller's future.
 */
abstract sealed class PendingRequest permits PendingRequest.Call, PendingRequest.Read {
  /** Where a request is on its way. */
  enum Stage {
    /** Waits for room among the requests in flight. */
    QUEUED,
    /** Sent; the caller waits. */
    IN_FLIGHT,
    /** Sent; the caller has gone, the answer will be skipped. */
    UNWANTED,
    /** Answered or given up; takes no room any more. */
    DONE
  }

  private final Request.Builder request;
  private final Duration patience;
  private final long deadlineNanos;

  private Stage stage = Stage.QUEUED;
  private @Nullable AnswerReader stream;
  private long id;
  private boolean hurried;

  /** As it was sent. */
  private PathWindow.@Nullable Mark mark;

  PendingRequest(Request.Builder request, Duration patience) {
    this.request = request;
    this.patience = patience;
    this.deadlineNanos = System.nanoTime() + patience.toNanos();
  }

  final Stage stage() {
    return stage;
  }

  /** Whether nobody waits for it. */
  final boolean isReadAhead() {
    return !hurried && request.getPriority() == Priority.PRIORITY_READ_AHEAD;
  }

  /** Somebody does now. */
  final void hurried() {
    hurried = true;
    request.setPriority(Priority.PRIORITY_WAITING);
  }

  final void marked(PathWindow.Mark sent) {
    mark = sent;
  }

  final PathWindow.@Nullable Mark mark() {
    return mark;
  }

  final boolean isLate(long nowNanos) {
    return nowNanos - deadlineNanos >= 0;
  }

  /** Bytes the answer may bring, counted as in flight. */
  abstract int answerBytes();

  /** Completes the caller's future with a failure. */
  abstract void fail(Throwable why);

  /**
   * A reply has come.
   *
   * @throws WireException if it is none that such a request may have
   */
  abstract void answered(Reply reply) throws WireException;

  /** The request is sent now: what is left of its time goes with it. */
  final Request sent(AnswerReader on, long newId, long nowNanos) {
    stage = Stage.IN_FLIGHT;
    stream = on;
    id = newId;
    long leftMillis = Math.clamp((deadlineNanos - nowNanos) / 1_000_000, 1, Limits.DEADLINE_MILLIS);
    return request.setId(newId).setDeadlineMillis((int) leftMillis).build();
  }

  final @Nullable AnswerReader stream() {
    return stream;
  }

  final long id() {
    return id;
  }

  final void unwanted() {
    stage = Stage.UNWANTED;
  }

  /** The request takes no room from now on. */
  final void done() {
    stage = Stage.DONE;
  }

  final TimeoutException timeout() {
    return new TimeoutException("no answer within " + patience.toMillis() + " ms");
  }

  /** A request that a message answers. */
  static final class Call extends PendingRequest {
    private final CompletableFuture<Reply> answer = new CompletableFuture<>();
    private final int answerBytes;

    Call(Request.Builder request, Duration patience) {
      super(request, patience);
      this.answerBytes = AnswerBytes.of(request);
    }

    CompletableFuture<Reply> answer() {
      return answer;
    }

    @Override
    int answerBytes() {
      return answerBytes;
    }

    @Override
    void fail(Throwable why) {
      answer.completeExceptionally(why);
    }

    @Override
    void answered(Reply reply) throws WireException {
      switch (reply.getBodyCase()) {
        case FAILURE -> fail(new RemoteException(reply.getFailure().getCode()));
        case BODY_NOT_SET -> throw new WireException("a reply that answers nothing");
        default -> answer.complete(reply);
      }
    }
  }

  /** A request that a chunk answers. */
  static final class Read extends PendingRequest {
    private final CompletableFuture<PendingRead.Answer> answer = new CompletableFuture<>();
    private final MemorySegment destination;
    private final int length;

    Read(Request.Builder request, MemorySegment destination, Duration patience) {
      super(request, patience);
      this.destination = destination;
      this.length = request.getReadFile().getLength();
      if (length < 1 || length > Limits.CHUNK_BYTES || destination.byteSize() < length) {
        throw new IllegalArgumentException(
            "a read of %d bytes into %d".formatted(length, destination.byteSize()));
      }
    }

    CompletableFuture<PendingRead.Answer> answer() {
      return answer;
    }

    MemorySegment destination() {
      return destination;
    }

    @Override
    int answerBytes() {
      return length;
    }

    @Override
    void fail(Throwable why) {
      answer.completeExceptionally(why);
    }

    /** All bytes are in the destination. */
    void arrived(ChunkHeader header) {
      answer.complete(new PendingRead.Answer.Bytes(header));
    }

    @Override
    void answered(Reply reply) throws WireException {
      switch (reply.getBodyCase()) {
        case FAILURE -> fail(new RemoteException(reply.getFailure().getCode()));
        case CHANGED -> answer.complete(new PendingRead.Answer.Changed(reply.getChanged()));
        case SAME -> answer.complete(new PendingRead.Answer.Same(reply.getSame().getYoung()));
        default -> throw new WireException("a read answered by " + reply.getBodyCase());
      }
    }
  }
}
