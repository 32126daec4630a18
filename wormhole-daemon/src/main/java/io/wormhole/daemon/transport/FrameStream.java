package io.wormhole.daemon.transport;

import com.google.protobuf.MessageLite;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;

/** An ordered, bidirectional stream of frames on a lane. Any thread may send. */
public interface FrameStream {
  Lane lane();

  /**
   * Sends one message. Frames of one thread leave in its order.
   *
   * @throws IllegalArgumentException if the message is past the limit of its type: a fault of ours
   */
  void send(FrameType type, MessageLite message);

  /**
   * Off-heap memory for one chunk's bytes, to be handed to {@link #send(ChunkHeader, Outbound)}.
   */
  Outbound allocate(int bytes);

  /** Sends a chunk without copying it on the heap. Takes over {@code data}, whatever happens. */
  void send(ChunkHeader header, Outbound data);

  /** Bytes given to {@code send} that have not left yet, and 256 more for each frame. */
  long queuedBytes();

  /**
   * Calls {@code action} once, on the event loop, when {@link #queuedBytes} has fallen below the
   * low watermark (64 KiB), or at once if it is below already, or when the stream has ended.
   */
  void whenDrained(Runnable action);

  /** Stops or resumes reading; frames already decoded may still come. */
  void readEnabled(boolean enabled);

  /** Ends this direction after what was sent has left; the lane goes on. */
  void close();
}
