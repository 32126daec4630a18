package io.wormhole.daemon.transport;

import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * Whose turn it is to leave among the large frames of a lane's streams. One of them at a time is
 * with the codec: several would share the path, the first would come as late as the last, and the
 * requests that follow them would come in bursts between which the path runs empty. What somebody
 * waits for goes before what is read ahead; else first come, first served.
 *
 * <p>Any thread adds; everything else is on the lane's event loop, but for {@link #discard} once
 * that is gone.
 */
final class SendTurns {
  /** Equal to itself alone: two frames may have the same bytes. */
  private static final class Waiting {
    private final SendQueue queue;
    private final ByteBuf frame;
    private final FrameStream.Turn turn;

    Waiting(SendQueue queue, ByteBuf frame, FrameStream.Turn turn) {
      this.queue = queue;
      this.frame = frame;
      this.turn = turn;
    }
  }

  private final Queue<Waiting> readers = new ConcurrentLinkedQueue<>();
  private final Queue<Waiting> readAhead = new ConcurrentLinkedQueue<>();
  private boolean taken;
  private boolean giving;

  /** Takes over {@code frame}, which {@link SendQueue#write} is handed when its turn has come. */
  void add(SendQueue queue, ByteBuf frame, FrameStream.Turn turn) {
    (turn.isReadAhead() ? readAhead : readers).add(new Waiting(queue, frame, turn));
  }

  /** Gives turns while the codec takes frames. */
  void give() {
    if (giving) {
      // Called inside a write of ours: it is gone on with there.
      return;
    }
    giving = true;
    try {
      while (!taken) {
        Waiting next = take();
        if (next == null) {
          return;
        }
        taken = true;
        next.queue.write(next.frame, next.turn, this::isOver);
      }
    } finally {
      giving = false;
    }
  }

  private void isOver() {
    taken = false;
    give();
  }

  /** The next whose stream takes anything, taken out of its line. */
  private @Nullable Waiting take() {
    for (Queue<Waiting> line : List.of(readers, readAhead)) {
      Optional<Waiting> first =
          line.stream().filter(waiting -> waiting.queue.takesFrames()).findFirst();
      if (first.isPresent()) {
        line.remove(first.get());
        return first.get();
      }
    }
    return null;
  }

  /** Hands back to {@code queue} every frame of its own that waits. Any thread. */
  void discard(SendQueue queue) {
    for (Queue<Waiting> line : List.of(readers, readAhead)) {
      for (Waiting waiting : List.copyOf(line)) {
        // Somebody else may do the same.
        if (waiting.queue == queue && line.remove(waiting)) {
          queue.drop(waiting.frame);
        }
      }
    }
  }
}
