package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.ChunkSink;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.WireException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Gives a stream's frames to one handler after another: first to whoever shakes hands, then to
 * whoever works. No frame is kept for the next handler, so the switch is made before the peer is
 * told that it may go on.
 *
 * <p>The end of the stream is told once, to the handler that has it by then; a handler that comes
 * too late is told at once, by the thread that switches.
 */
final class SwitchingHandler implements FrameHandler {
  private FrameHandler current;
  private @Nullable LaneException end;

  SwitchingHandler(FrameHandler first) {
    this.current = first;
  }

  /** From the next frame on, {@code next} has the stream. Any thread. */
  void switchTo(FrameStream stream, FrameHandler next) {
    LaneException ended;
    synchronized (this) {
      current = next;
      ended = end;
    }
    if (ended != null) {
      next.ended(stream, ended);
    }
  }

  @Override
  public void frame(FrameStream stream, FrameType type, ByteBuffer payload) throws WireException {
    current().frame(stream, type, payload);
  }

  @Override
  public @Nullable ChunkSink chunk(FrameStream stream, ChunkHeader header) throws WireException {
    return current().chunk(stream, header);
  }

  @Override
  public void ended(FrameStream stream, LaneException why) {
    FrameHandler last;
    synchronized (this) {
      end = why;
      last = current;
    }
    last.ended(stream, why);
  }

  private synchronized FrameHandler current() {
    return current;
  }
}
