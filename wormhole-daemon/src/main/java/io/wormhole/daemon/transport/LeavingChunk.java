package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.message.Failure;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.Reply;
import org.jspecify.annotations.Nullable;

/**
 * What is left of a request whose chunk waits for its turn to leave, perhaps for long: not the
 * request itself, which a peer may make large.
 */
final class LeavingChunk implements FrameStream.Turn {
  private final RequestServer server;
  private final ServedStream stream;
  private final long id;
  private final boolean readAhead;
  private final long deadlineNanos;
  private volatile boolean cancelled;

  LeavingChunk(
      RequestServer server, ServedStream stream, long id, boolean readAhead, long deadlineNanos) {
    this.server = server;
    this.stream = stream;
    this.id = id;
    this.readAhead = readAhead;
    this.deadlineNanos = deadlineNanos;
  }

  ServedStream stream() {
    return stream;
  }

  long id() {
    return id;
  }

  /** Nobody waits for it any more. On the event loop. */
  void cancel(FrameStream from) {
    cancelled = true;
    if (from.withdraw(this)) {
      server.left(this);
      from.send(FrameType.REPLY, failure(id, FailureCode.FAILURE_CODE_CANCELLED));
    }
  }

  /** Nobody has waited for it since before it came here. */
  void markCancelled() {
    cancelled = true;
  }

  @Override
  public boolean isReadAhead() {
    return readAhead;
  }

  @Override
  public @Nullable Reply instead() {
    server.left(this);
    if (cancelled) {
      return failure(id, FailureCode.FAILURE_CODE_CANCELLED);
    }
    return System.nanoTime() - deadlineNanos >= 0
        ? failure(id, FailureCode.FAILURE_CODE_TOO_LATE)
        : null;
  }

  /** The answer to a request that it failed. */
  static Reply failure(long id, FailureCode code) {
    return Reply.newBuilder().setId(id).setFailure(Failure.newBuilder().setCode(code)).build();
  }
}
