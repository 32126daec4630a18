package io.wormhole.daemon.transport;

import com.google.protobuf.MessageLite;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.message.Reply;
import org.jspecify.annotations.Nullable;

/**
 * A bidirectional stream of frames on a lane. Any thread may send. Messages of one thread leave in
 * its order, but for a large answer: that, and a chunk, leaves when its turn among all those of the
 * lane has come.
 */
public interface FrameStream {
  /** When a chunk or a large answer leaves. */
  interface Turn {
    /** Of what somebody waits for. */
    Turn WAITED_FOR = () -> false;

    Turn READ_AHEAD = () -> true;

    /** Whether it leaves only when nothing else wants to. */
    boolean isReadAhead();

    /**
     * Asked once, on the event loop, when its turn has come; not at all if the stream ends before.
     *
     * @return what leaves in its place, or null if it still is wanted
     */
    default @Nullable Reply instead() {
      return null;
    }
  }

  Lane lane();

  /** Sends one message that somebody waits for. */
  default void send(FrameType type, MessageLite message) {
    send(type, message, Turn.WAITED_FOR);
  }

  /**
   * Sends one message.
   *
   * @param turn of a large answer; for others it is not asked
   * @throws IllegalArgumentException if the message is past the limit of its type: a fault of ours
   */
  void send(FrameType type, MessageLite message, Turn turn);

  /**
   * Off-heap memory for one chunk's bytes, to be handed to {@link #send(ChunkHeader, Outbound,
   * Turn)}.
   */
  Outbound allocate(int bytes);

  /** Sends a chunk that somebody waits for, as {@link #send(ChunkHeader, Outbound, Turn)} does. */
  default void send(ChunkHeader header, Outbound data) {
    send(header, data, Turn.WAITED_FOR);
  }

  /** Sends a chunk without copying it on the heap. Takes over {@code data}, whatever happens. */
  void send(ChunkHeader header, Outbound data, Turn turn);

  /**
   * Takes back a chunk, or a large answer, whose turn has not come. On the event loop.
   *
   * @return false if there is none with this turn
   */
  boolean withdraw(Turn turn);

  /** Bytes given to {@code send} that have not left yet, and 256 more for each frame. */
  long queuedBytes();

  /** Those of them that do not wait for a turn. */
  long queuedMessageBytes();

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
