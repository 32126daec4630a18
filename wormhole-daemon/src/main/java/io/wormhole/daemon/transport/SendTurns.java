package io.wormhole.daemon.transport;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Whose turn it is to leave among the chunks and large answers of a lane's streams. One of them at
 * a time is with the codec: several would share the path, the first would come as late as the last,
 * and the requests that follow them would come in bursts between which the path runs empty. What
 * somebody waits for goes before what is read ahead, though not for ever: somebody may have come to
 * wait for that meanwhile. Else first come, first served.
 *
 * <p>On the lane's event loop, but for what says otherwise.
 */
final class SendTurns {
  /** After so many that somebody waits for, one that was read ahead goes. */
  private static final int WAITED_FOR_IN_A_ROW = 4;

  private final List<SendQueue> queues = new CopyOnWriteArrayList<>();
  private final AtomicLong numbers = new AtomicLong();
  private int inARow;
  private boolean taken;
  private boolean giving;

  /** A number larger than all before. Any thread. */
  long nextNumber() {
    return numbers.incrementAndGet();
  }

  /** Any thread. */
  void add(SendQueue queue) {
    queues.add(queue);
  }

  /** Any thread. */
  void remove(SendQueue queue) {
    queues.remove(queue);
  }

  /** Gives turns while the codec takes frames. */
  void give() {
    if (giving) {
      // Called inside a write of ours: it is gone on with there.
      return;
    }
    giving = true;
    try {
      while (!taken && giveOne()) {
        // The next.
      }
    } finally {
      giving = false;
    }
  }

  private boolean giveOne() {
    SendQueue waitedFor = first(false);
    SendQueue readAhead = first(true);
    boolean ofReadAhead = readAhead != null && (waitedFor == null || inARow >= WAITED_FOR_IN_A_ROW);
    SendQueue next = ofReadAhead ? readAhead : waitedFor;
    if (next == null) {
      return false;
    }
    inARow = ofReadAhead || readAhead == null ? 0 : inARow + 1;
    taken = true;
    boolean written = false;
    try {
      written = next.writeLarge(ofReadAhead, this::isOver);
    } finally {
      if (!written) {
        taken = false;
      }
    }
    return true;
  }

  private void isOver() {
    taken = false;
    give();
  }

  /** The stream that takes anything and whose turn it is. */
  private @Nullable SendQueue first(boolean ofReadAhead) {
    SendQueue first = null;
    long least = Long.MAX_VALUE;
    for (SendQueue queue : queues) {
      long number = queue.firstNumber(ofReadAhead);
      if (number < least && queue.takesFrames()) {
        first = queue;
        least = number;
      }
    }
    return first;
  }
}
