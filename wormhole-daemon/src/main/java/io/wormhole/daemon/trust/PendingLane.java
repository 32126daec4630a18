package io.wormhole.daemon.trust;

import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.BulkHello;
import io.wormhole.protocol.wire.message.BulkWelcome;
import io.wormhole.protocol.wire.message.HostConfirm;
import io.wormhole.protocol.wire.message.HostHello;
import io.wormhole.protocol.wire.message.RefusalReason;
import io.wormhole.protocol.wire.message.SessionLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A lane before anybody is known at its other end: reads its first frames, lets it in or sends it
 * away, and gives up after {@link Limits#HANDSHAKE_MILLIS}.
 *
 * <p>Frames come on the event loop, the handshake runs on the gate's executor, the deadline on its
 * timer. Whoever moves the state out of a phase has what belongs to the phase: the executor has the
 * handshake in WORKING, and wipes it if it finds that the lane has ENDED meanwhile; in
 * AWAIT_CONFIRM whoever ends the lane wipes it.
 */
final class PendingLane implements FrameHandler {
  private static final Logger LOG = LoggerFactory.getLogger(PendingLane.class);

  private static final SessionLimits LIMITS =
      SessionLimits.newBuilder()
          .setRequestsInFlight(Limits.REQUESTS_IN_FLIGHT)
          .setBytesInFlight(Limits.BYTES_IN_FLIGHT)
          .setOpenHandles(Limits.OPEN_HANDLES)
          .build();

  private enum Phase {
    AWAIT_FIRST,
    WORKING,
    AWAIT_CONFIRM,
    TRUSTED,
    ENDED
  }

  private final Gate gate;
  private final Lane lane;
  private final Runnable leaveDoor;
  private final HostHandshake handshake;
  private final SwitchingHandler switching = new SwitchingHandler(this);
  private final ScheduledFuture<?> deadline;
  private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.AWAIT_FIRST);

  /**
   * @param leaveDoor makes room for another stranger; may be run twice
   */
  PendingLane(Gate gate, Lane lane, Runnable leaveDoor) {
    this.gate = gate;
    this.lane = lane;
    this.leaveDoor = leaveDoor;
    this.handshake = gate.newHandshake(lane);
    this.deadline =
        gate.timer().schedule(this::tooSlow, Limits.HANDSHAKE_MILLIS, TimeUnit.MILLISECONDS);
    // A lane may end before it has a stream.
    var unusedEnd = lane.closed().thenRun(() -> end(CloseReason.DONE));
  }

  /** What the lane's first stream is given to. */
  FrameHandler handler() {
    return switching;
  }

  @Override
  public void frame(FrameStream stream, FrameType type, ByteBuffer payload) throws WireException {
    byte[] bytes = new byte[payload.remaining()];
    payload.get(bytes);
    switch (type) {
      case CLIENT_HELLO -> {
        move(Phase.AWAIT_FIRST, Phase.WORKING, type);
        work(stream, () -> hello(stream, bytes));
      }
      case CLIENT_CONFIRM -> {
        move(Phase.AWAIT_CONFIRM, Phase.WORKING, type);
        work(stream, () -> confirm(stream, bytes));
      }
      case BULK_HELLO -> {
        move(Phase.AWAIT_FIRST, Phase.WORKING, type);
        bulkHello(stream, bytes);
      }
      case REFUSAL -> {
        LOG.info("{} at {} gave up joining", lane.peer(), lane.remoteAddress());
        end(CloseReason.DONE);
      }
      case HOST_HELLO, HOST_CONFIRM, BULK_WELCOME, CLOSE, REQUEST, REPLY, CHUNK ->
          throw new WireException(type + " before trust");
    }
  }

  @Override
  public void ended(FrameStream stream, LaneException why) {
    end(CloseReason.DONE);
  }

  private void hello(FrameStream stream, byte[] payload) throws RefusedException {
    handshake.consumeHello(payload);
    var answer = handshake.createHello();
    Optional<HostHandshake.Proven> returned = handshake.returned();
    if (returned.isPresent()) {
      admit(stream, returned.get(), answer);
    } else if (phase.compareAndSet(Phase.WORKING, Phase.AWAIT_CONFIRM)) {
      stream.send(FrameType.HOST_HELLO, answer);
    } else {
      handshake.close();
    }
  }

  private void confirm(FrameStream stream, byte[] payload) throws RefusedException {
    admit(stream, handshake.consumeConfirm(payload), null);
  }

  /**
   * @param hello to be sent before the confirmation; null where it was sent
   */
  private void admit(FrameStream stream, HostHandshake.Proven proven, @Nullable HostHello hello)
      throws RefusedException {
    PeerSession session = gate.registry().open(proven, lane);
    handshake.requireLive();
    record(session, hello != null);
    HostConfirm answer = handshake.createConfirm(LIMITS, session.newLaneToken());
    if (letIn(stream, session)) {
      if (hello != null) {
        stream.send(FrameType.HOST_HELLO, hello);
      }
      stream.send(FrameType.HOST_CONFIRM, answer);
      LOG.info("{} {} share {}", session, hello == null ? "joined" : "is back at", session.share());
    }
  }

  private void bulkHello(FrameStream stream, byte[] payload) {
    try {
      PeerSession session = gate.registry().redeem(token(payload), lane);
      if (letIn(stream, session)) {
        stream.send(FrameType.BULK_WELCOME, BulkWelcome.getDefaultInstance());
      }
    } catch (RefusedException refused) {
      refuse(stream, refused);
    }
  }

  /** The next frame is the session's: set up before the peer is told, who may answer at once. */
  private boolean letIn(FrameStream stream, PeerSession session) {
    if (!phase.compareAndSet(Phase.WORKING, Phase.TRUSTED)) {
      handshake.close();
      return false;
    }
    deadline.cancel(false);
    leaveDoor.run();
    handshake.close();
    lane.trust();
    switching.switchTo(stream, gate.handler(session, lane));
    return true;
  }

  private void record(PeerSession session, boolean returned) {
    PinnedPeers pins = gate.pins();
    try {
      if (returned) {
        pins.recordReturn(session.peer(), session.share());
      } else {
        pins.recordGrant(
            session.peer(),
            session.share(),
            session.writable(),
            session.displayName(),
            session::isIn);
      }
    } catch (IOException notKept) {
      LOG.warn("{} is let in, but will need a code again: {}", session, notKept.getMessage());
    }
  }

  private static LaneToken token(byte[] payload) throws RefusedException {
    try {
      return LaneToken.of(BulkHello.parseFrom(payload).getLaneToken());
    } catch (InvalidProtocolBufferException | IllegalArgumentException unreadable) {
      throw RefusedException.malformed("the hello of the bulk lane");
    }
  }

  private interface Step {
    void run() throws RefusedException;
  }

  private void work(FrameStream stream, Step step) {
    try {
      gate.executor()
          .execute(() -> {
            try {
              step.run();
            } catch (RefusedException refused) {
              refuse(stream, refused);
            } catch (RuntimeException fault) {
              LOG.error("fault while {} joined", lane.peer(), fault);
              lane.close(CloseReason.GOODBYE);
              end(CloseReason.GOODBYE);
              handshake.close();
            }
          });
    } catch (RejectedExecutionException full) {
      refuse(
          stream,
          new RefusedException(
              RefusalReason.REFUSAL_REASON_BUSY, "this host has too many peers at its door"));
    }
  }

  /** By whoever has WORKING. */
  private void refuse(FrameStream stream, RefusedException refused) {
    LOG.info("{} at {} refused: {}", lane.peer(), lane.remoteAddress(), refused.getMessage());
    stream.send(FrameType.REFUSAL, refused.toMessage());
    end(CloseReason.REFUSED);
    handshake.close();
  }

  private void tooSlow() {
    if (phase.get() != Phase.TRUSTED) {
      end(CloseReason.TOO_SLOW);
    }
  }

  private void move(Phase from, Phase to, FrameType cause) throws WireException {
    if (!phase.compareAndSet(from, to)) {
      throw new WireException(cause + " out of order");
    }
  }

  private void end(CloseReason reason) {
    Phase before = phase.getAndUpdate(now -> now == Phase.TRUSTED ? now : Phase.ENDED);
    deadline.cancel(false);
    leaveDoor.run();
    if (before == Phase.AWAIT_CONFIRM || before == Phase.AWAIT_FIRST) {
      handshake.close();
    }
    if (before != Phase.TRUSTED) {
      lane.close(reason);
    }
  }
}
