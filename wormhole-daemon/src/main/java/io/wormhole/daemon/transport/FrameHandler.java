package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.WireException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** What a stream's frames are given to, on the lane's event loop. */
public interface FrameHandler {
  /**
   * A whole frame, any type but CHUNK.
   *
   * @param payload valid during the call only
   * @throws WireException to close the lane as broken by the peer
   */
  void frame(FrameStream stream, FrameType type, ByteBuffer payload) throws WireException;

  /**
   * The head of a chunk frame has come; its bytes follow.
   *
   * @return where they go, or null to skip them
   * @throws WireException to close the lane as broken by the peer
   */
  default @Nullable ChunkSink chunk(FrameStream stream, ChunkHeader header) throws WireException {
    throw new WireException("a chunk nobody asked for");
  }

  /** The stream has ended, with its lane or alone. Called once, last. */
  void ended(FrameStream stream, LaneException why);
}
