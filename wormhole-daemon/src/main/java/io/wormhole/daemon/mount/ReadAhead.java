package io.wormhole.daemon.mount;

import io.wormhole.protocol.wire.Limits;

/**
 * Which chunks of one open file to ask for before its reader does. Policy only: it fetches nothing.
 *
 * <p>Behaviours:
 *
 * <ul>
 *   <li><b>A, in order.</b> A read that begins in or just behind the window is sequential. From the
 *       second such chunk on, chunks past the reader are wanted: two at first, twice as many with
 *       each new chunk he reaches, up to the bound.
 *   <li><b>B, out of order.</b> The kernel sends the requests of its own read-ahead in parallel and
 *       in any order, so a read a few chunks behind the furthest one is no seek.
 *   <li><b>C, seek.</b> Any other read is one: the window closes, and what was asked for and not
 *       read is wanted no more. A reader who jumps and reads one chunk each time causes no
 *       read-ahead.
 *   <li><b>D, alone.</b> The first read of a file, and the first one after a seek, may be the only
 *       one there: nothing says yet that the rest of its chunk is wanted.
 * </ul>
 *
 * <p>Not thread-safe; the open file's lock guards it.
 */
final class ReadAhead {
  /** How far behind the furthest chunk read a read may begin and still be in order. */
  private static final long BACKWARD_CHUNKS = 4;

  private static final int FIRST_WINDOW_CHUNKS = 2;

  private final int maxChunks;
  private long furthest = -1;
  private long askedUpTo;
  private int windowChunks;

  /**
   * Chunks to ask for and chunks no longer wanted, by index, both as half-open ranges.
   *
   * @param alone whether the read stands alone, as far as is known
   */
  record Step(long fetchFrom, long fetchTo, long dropFrom, long dropTo, boolean alone) {
    static final Step NOTHING = new Step(0, 0, 0, 0, false);
  }

  ReadAhead(int maxChunks) {
    this.maxChunks = maxChunks;
  }

  /**
   * A read of so many bytes is about to be served.
   *
   * @param fileBytes where the file ends, as far as is known
   */
  Step read(long offset, int bytes, long fileBytes) {
    if (bytes <= 0) {
      return Step.NOTHING;
    }
    long first = offset / Limits.CHUNK_BYTES;
    long last = (offset + bytes - 1) / Limits.CHUNK_BYTES;
    if (furthest < 0) {
      startAt(last);
      return new Step(0, 0, 0, 0, true);
    }
    if (first < furthest - BACKWARD_CHUNKS || first > Math.max(furthest + 1, askedUpTo)) {
      Step dropUnread = new Step(0, 0, furthest + 1, askedUpTo, true);
      startAt(last);
      return dropUnread;
    }
    if (last <= furthest) {
      return Step.NOTHING;
    }
    furthest = last;
    windowChunks = Math.min(maxChunks, windowChunks == 0 ? FIRST_WINDOW_CHUNKS : windowChunks * 2);
    long chunksInFile = (fileBytes + Limits.CHUNK_BYTES - 1) / Limits.CHUNK_BYTES;
    long from = Math.max(askedUpTo, last + 1);
    long to = Math.min(chunksInFile, last + 1 + windowChunks);
    if (from >= to) {
      return Step.NOTHING;
    }
    askedUpTo = to;
    return new Step(from, to, 0, 0, false);
  }

  /** The reader has gone: everything he has not read is dropped. */
  Step close() {
    return new Step(0, 0, furthest + 1, Math.max(furthest + 1, askedUpTo), false);
  }

  private void startAt(long chunk) {
    furthest = chunk;
    askedUpTo = chunk + 1;
    windowChunks = 0;
  }
}
