package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.Priority;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One request at the host, from its arrival to its one answer. */
final class ServedRequest implements Responder {
  private static final Logger LOG = LoggerFactory.getLogger(ServedRequest.class);

  private final Request request;
  private final int payloadBytes;
  private final FrameStream stream;
  private final RequestServer server;
  private final ServedStream served;
  private final long deadlineNanos;
  private final AtomicBoolean answered = new AtomicBoolean();
  private volatile boolean cancelled;

  ServedRequest(
      Request request,
      int payloadBytes,
      FrameStream stream,
      RequestServer server,
      ServedStream served,
      long now) {
    this.request = request;
    this.payloadBytes = payloadBytes;
    this.stream = stream;
    this.server = server;
    this.served = served;
    this.deadlineNanos = now + request.getDeadlineMillis() * 1_000_000L;
  }

  Request request() {
    return request;
  }

  /** Bytes it came in. */
  int payloadBytes() {
    return payloadBytes;
  }

  ServedStream servedStream() {
    return served;
  }

  boolean isReadAhead() {
    return request.getPriority() == Priority.PRIORITY_READ_AHEAD;
  }

  /** Bytes of the answer that was asked for, as they count against the lane's limit. */
  int answerBytes() {
    return AnswerBytes.of(request);
  }

  boolean isLate() {
    return System.nanoTime() - deadlineNanos >= 0;
  }

  boolean isAnswered() {
    return answered.get();
  }

  /** Nobody waits for the answer any more. */
  void cancel() {
    cancelled = true;
  }

  @Override
  public boolean abandoned() {
    return cancelled || isLate();
  }

  @Override
  public void reply(Reply.Builder reply) {
    takeTurn();
    try {
      stream.send(
          FrameType.REPLY,
          reply.setId(request.getId()).build(),
          isReadAhead() ? FrameStream.Turn.READ_AHEAD : FrameStream.Turn.WAITED_FOR);
    } catch (IllegalArgumentException tooLarge) {
      LOG.error("The answer to {} cannot be sent", request.getBodyCase(), tooLarge);
      sendFailure(FailureCode.FAILURE_CODE_IO);
    } finally {
      server.finished(this);
    }
  }

  @Override
  public void fail(FailureCode code) {
    takeTurn();
    try {
      sendFailure(code);
    } finally {
      server.finished(this);
    }
  }

  @Override
  public Outbound allocate(int bytes) {
    return stream.allocate(bytes);
  }

  @Override
  public void chunk(ChunkHeader header, Outbound data) {
    try {
      takeTurn();
    } catch (IllegalStateException twice) {
      data.release();
      throw twice;
    }
    try {
      if (cancelled) {
        data.release();
        sendFailure(FailureCode.FAILURE_CODE_CANCELLED);
      } else if (isLate()) {
        data.release();
        sendFailure(FailureCode.FAILURE_CODE_TOO_LATE);
      } else {
        LeavingChunk leaving =
            new LeavingChunk(server, served, request.getId(), isReadAhead(), deadlineNanos);
        server.leaves(leaving);
        if (cancelled) {
          // A cancel that came just now has not found it there.
          leaving.markCancelled();
        }
        stream.send(header.answering(request.getId()), data, leaving);
      }
    } finally {
      server.finished(this);
    }
  }

  private void takeTurn() {
    if (!answered.compareAndSet(false, true)) {
      throw new IllegalStateException("request %d was answered".formatted(request.getId()));
    }
  }

  private void sendFailure(FailureCode code) {
    stream.send(FrameType.REPLY, LeavingChunk.failure(request.getId(), code));
  }
}
