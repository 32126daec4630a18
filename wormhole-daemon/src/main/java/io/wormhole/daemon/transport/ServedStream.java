package io.wormhole.daemon.transport;

import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Done;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one stream at the host: reads them, and keeps those that wait to be handled.
 * Frames come on the event loop; the queues are the server's, under its lock.
 */
final class ServedStream implements FrameHandler {
  private final RequestServer server;
  private final Map<Long, ServedRequest> byId = new HashMap<>();

  private final Map<Long, LeavingChunk> leaving = new HashMap<>();

  private final ArrayDeque<ServedRequest> readers = new ArrayDeque<>();
  private final ArrayDeque<ServedRequest> readAhead = new ArrayDeque<>();
  private @Nullable FrameStream stream;
  private boolean awaitsDrain;
  private boolean leftUnread;

  ServedStream(RequestServer server) {
    this.server = server;
  }

  // ---- event loop ----

  @Override
  public void frame(FrameStream from, FrameType type, ByteBuffer payload) throws WireException {
    if (type != FrameType.REQUEST) {
      throw new WireException("a %s frame where requests come".formatted(type));
    }
    int bytes = payload.remaining();
    Request request = parse(payload);
    int deadline = request.getDeadlineMillis();
    if (deadline < 1 || deadline > Limits.DEADLINE_MILLIS) {
      throw new WireException(
          "a request with a deadline of %d ms".formatted(Integer.toUnsignedLong(deadline)));
    }
    switch (request.getBodyCase()) {
      case PING -> {
        from.send(
            FrameType.REPLY,
            Reply.newBuilder().setId(request.getId()).setDone(Done.getDefaultInstance()).build());
        server.answeredAtOnce(this, from);
      }
      case CANCEL -> {
        server.cancel(this, request.getCancel().getId(), from);
        server.answeredAtOnce(this, from);
      }
      default ->
          server.accept(
              this, new ServedRequest(request, bytes, from, server, this, System.nanoTime()), from);
    }
  }

  @Override
  public void ended(FrameStream from, LaneException why) {
    server.ended(this);
  }

  private static Request parse(ByteBuffer payload) throws WireException {
    try {
      return Request.parseFrom(payload);
    } catch (InvalidProtocolBufferException e) {
      throw new WireException("a request that is none: " + e.getMessage());
    }
  }

  // ---- under the server's lock ----

  /** Says whether its number was free. */
  boolean add(ServedRequest request, FrameStream from) {
    stream = from;
    if (byId.putIfAbsent(request.request().getId(), request) != null) {
      return false;
    }
    (request.isReadAhead() ? readAhead : readers).add(request);
    return true;
  }

  /** Not to be read until its answers have left; says whether it was to be so far. */
  boolean leaveUnread(FrameStream from) {
    boolean before = leftUnread;
    stream = from;
    leftUnread = true;
    return !before;
  }

  void readAgain() {
    leftUnread = false;
  }

  boolean isLeftUnread() {
    return leftUnread;
  }

  @Nullable FrameStream stream() {
    return stream;
  }

  @Nullable ServedRequest find(long id) {
    return byId.get(id);
  }

  @Nullable LeavingChunk findLeaving(long id) {
    return leaving.get(id);
  }

  void leaves(LeavingChunk chunk) {
    leaving.put(chunk.id(), chunk);
  }

  void left(LeavingChunk chunk) {
    leaving.remove(chunk.id(), chunk);
  }

  /** Takes a request that still waits out of its queue; says whether it did wait. */
  boolean unqueue(ServedRequest request) {
    return (request.isReadAhead() ? readAhead : readers).remove(request);
  }

  /** The next one of that priority, taken out of its queue. */
  @Nullable ServedRequest next(boolean ofReadAhead) {
    return (ofReadAhead ? readAhead : readers).poll();
  }

  boolean hasQueued(boolean ofReadAhead) {
    return !(ofReadAhead ? readAhead : readers).isEmpty();
  }

  void finished(ServedRequest request) {
    byId.remove(request.request().getId(), request);
  }

  /** Everything that waits or is being handled; nothing waits any more. */
  List<ServedRequest> clear() {
    List<ServedRequest> all = new ArrayList<>(byId.values());
    byId.clear();
    leaving.clear();
    readers.clear();
    readAhead.clear();
    return all;
  }

  boolean awaitsDrain() {
    return awaitsDrain;
  }

  void awaitsDrain(boolean waits) {
    awaitsDrain = waits;
  }
}
