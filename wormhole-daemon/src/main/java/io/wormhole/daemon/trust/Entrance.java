package io.wormhole.daemon.trust;

import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.FutureFailure;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Refusal;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One try to be let in by a host on a new lane: dials, opens the first stream, lets the subclass
 * speak, and ends in a result or a {@link JoinException}, at the latest after {@link #DEADLINE}.
 * Whatever ends it otherwise than well closes the lane.
 *
 * @param <T> what being let in gives
 */
abstract class Entrance<T> implements FrameHandler {
  /** From the call to the answer; a person waits at most ten seconds for it. */
  static final Duration DEADLINE = Duration.ofMillis(9_500);

  /** What the handshake needs at the least stays behind it, on a path of some hundred ms. */
  private static final Duration DIAL_DEADLINE = Duration.ofSeconds(7);

  private final InetSocketAddress address;
  private final CompletableFuture<T> outcome = new CompletableFuture<>();
  private final SwitchingHandler switching = new SwitchingHandler(this);
  private volatile @Nullable Lane lane;

  Entrance(InetSocketAddress address) {
    this.address = address;
  }

  /** Once, on the lane's event loop: the lane is there, and its first stream. */
  abstract void opened(FrameStream stream);

  /** A frame that is no refusal. On the event loop. */
  abstract void answer(FrameStream stream, FrameType type, byte[] payload)
      throws WireException, JoinException;

  /**
   * Once, after the end, whichever: what is secret and not in work is wiped. Any thread.
   *
   * @param in whether the result was taken
   */
  abstract void over(boolean in);

  /** The lane is checked before a byte is sent on it. */
  void requirePeer(Lane dialled) throws JoinException {}

  final CompletableFuture<T> start(Endpoint endpoint, ScheduledExecutorService timer) {
    return start(endpoint.dial(address, DIAL_DEADLINE), timer);
  }

  /**
   * @param dialling a lane of this entrance's own
   */
  final CompletableFuture<T> start(
      CompletableFuture<Lane> dialling, ScheduledExecutorService timer) {
    ScheduledFuture<?> deadline =
        timer.schedule(this::tooSlow, DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
    var unusedEnd =
        outcome.whenComplete((result, failure) -> {
          deadline.cancel(false);
          if (failure != null) {
            closeLane(CloseReason.DONE);
          }
          over(failure == null);
        });
    var unusedLane = dialling.whenComplete(this::dialled);
    return outcome;
  }

  /** The way in. A caller who has gone away meanwhile gets no lane. */
  final void succeed(T result) {
    if (!outcome.complete(result)) {
      closeLane(CloseReason.DONE);
    }
  }

  final void fail(JoinException why) {
    outcome.completeExceptionally(why);
  }

  /** Fails, and tells the host why. */
  final void refuse(FrameStream stream, JoinException why) {
    stream.send(FrameType.REFUSAL, why.toMessage());
    stream.lane().close(CloseReason.REFUSED);
    fail(why);
  }

  final boolean isOver() {
    return outcome.isDone();
  }

  final OpenLane openLane(FrameStream stream) {
    return new OpenLane(stream, switching);
  }

  @Override
  public final void frame(FrameStream stream, FrameType type, ByteBuffer payload)
      throws WireException {
    if (isOver()) {
      throw new WireException("the host speaks before it is asked");
    }
    byte[] bytes = new byte[payload.remaining()];
    payload.get(bytes);
    try {
      if (type == FrameType.REFUSAL) {
        fail(JoinException.of(Refusal.parseFrom(bytes)));
      } else {
        answer(stream, type, bytes);
      }
    } catch (JoinException refused) {
      refuse(stream, refused);
    } catch (InvalidProtocolBufferException unreadable) {
      throw new WireException("a refusal that is no message");
    }
  }

  @Override
  public final void ended(FrameStream stream, LaneException why) {
    fail(JoinException.of(why));
  }

  private void dialled(@Nullable Lane dialled, @Nullable Throwable failure) {
    if (dialled == null) {
      fail(unreachable(failure));
      return;
    }
    lane = dialled;
    if (isOver()) {
      closeLane(CloseReason.DONE);
      return;
    }
    try {
      requirePeer(dialled);
    } catch (JoinException another) {
      fail(another);
      return;
    }
    var unusedStream =
        dialled
            .openStream(switching)
            .whenComplete((stream, refused) -> {
              if (stream == null) {
                fail(unreachable(refused));
              } else {
                opened(stream);
              }
            });
  }

  private void tooSlow() {
    fail(
        new JoinException(
            Reason.UNREACHABLE,
            "no answer from %s within %d seconds".formatted(shown(), DEADLINE.toSeconds() + 1)));
  }

  private JoinException unreachable(@Nullable Throwable failure) {
    Throwable cause = failure == null ? null : FutureFailure.unwrapped(failure);
    return switch (cause) {
      case LaneException end -> JoinException.of(end);
      case null -> new JoinException(Reason.UNREACHABLE, "no lane to " + shown());
      default ->
          new JoinException(
              Reason.UNREACHABLE, "no lane to %s: %s".formatted(shown(), cause), cause);
    };
  }

  private void closeLane(CloseReason reason) {
    Lane open = lane;
    if (open != null) {
      open.close(reason);
    }
  }

  private String shown() {
    return address.getHostString() + ":" + address.getPort();
  }
}
