package io.wormhole.daemon.mount;

import io.wormhole.protocol.wire.Limits;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which chunks of one file to ask for before its readers do. Policy only: it fetches nothing.
 *
 * <p>Behaviours:
 *
 * <ul>
 *   <li><b>A, in order.</b> A read that begins in or just behind a window is sequential. From the
 *       second such chunk on, chunks past the reader are wanted: two at first, twice as many with
 *       each new chunk he reaches, up to the bound.
 *   <li><b>B, out of order.</b> The kernel sends the requests of its own read-ahead in parallel and
 *       in any order, so a read a few chunks behind the furthest one is no seek.
 *   <li><b>C, seek.</b> Any other read is one: what was asked for and not read is wanted no more,
 *       nor the rest of the chunks of which a part was read. A reader who jumps and reads one chunk
 *       each time causes no read-ahead.
 *   <li><b>D, alone.</b> The first read of a file, and the first one after a seek, may be the only
 *       one there: nothing says yet that the rest of its chunk is wanted.
 *   <li><b>E, in turns.</b> Several places of a file are read in turns, by several readers or as
 *       the tracks of a film: each place that was read is remembered, with half its window, so that
 *       a reader who comes back to it goes on in order.
 *   <li><b>F, on from a jump.</b> Where a reader has jumped and read on, as in a film that is gone
 *       through by hand, the next jump is taken for such a one: some chunks past it are wanted at
 *       once. One jump that nobody reads on from ends that.
 *   <li><b>G, an index at the end.</b> A film may have its index there. Once its beginning was read
 *       for more than a look, the last chunks are wanted too.
 * </ul>
 *
 * <p>Not thread-safe; the open file's lock guards it.
 */
final class ReadAhead {
  /** How far behind the furthest chunk read a read may begin and still be in order. */
  private static final long BACKWARD_CHUNKS = 4;

  private static final int FIRST_WINDOW_CHUNKS = 2;

  /** About what a path of 50 ms and 100 Mbit/s holds. */
  private static final int JUMP_WINDOW_CHUNKS = 4;

  /** Who has reached so many new chunks from where he jumped to reads on. */
  private static final int READS_ON_CHUNKS = 2;

  /** Who reads no more of a file than its first bytes looks what it is. */
  private static final int LOOK_BYTES = Limits.GROUP_BYTES;

  /** Of a film, from its end. */
  private static final long INDEX_BYTES = 2L * Limits.CHUNK_BYTES;

  /** Places of a file that are remembered. */
  private static final int MAX_CURSORS = 8;

  private final int maxChunks;

  /** Whether there may be an index at the end that was not asked for yet. */
  private boolean indexDue;

  /** Where somebody jumped to last. */
  private @Nullable Cursor lastJump;

  /** The one read last is the last one. */
  private final List<Cursor> cursors = new ArrayList<>();

  /** Chunks by index, the end not among them. */
  record Range(long from, long to) {
    static final Range NONE = new Range(0, 0);

    static Range of(long chunk) {
      return new Range(chunk, chunk + 1);
    }

    boolean isEmpty() {
      return from >= to;
    }
  }

  /**
   * What a read changes.
   *
   * @param fetch to ask for
   * @param index to ask for after that
   * @param drops no longer wanted, unless somebody waits for it or it is there
   * @param alone whether the read stands alone, as far as is known
   */
  record Step(Range fetch, Range index, List<Range> drops, boolean alone) {
    static final Step NOTHING = new Step(Range.NONE, Range.NONE, List.of(), false);
  }

  /**
   * @param isFilm whether the file may have an index at its end
   */
  ReadAhead(int maxChunks, boolean isFilm) {
    this.maxChunks = maxChunks;
    this.indexDue = isFilm;
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
    long end = offset + bytes;
    long first = offset / Limits.CHUNK_BYTES;
    long last = (end - 1) / Limits.CHUNK_BYTES;
    boolean toTheEnd = end % Limits.CHUNK_BYTES == 0 || end >= fileBytes;
    long chunksInFile = (fileBytes + Limits.CHUNK_BYTES - 1) / Limits.CHUNK_BYTES;
    Range index = index(offset, end, fileBytes);
    Cursor cursor = cursorAt(first);
    if (cursor == null) {
      List<Range> unread = dropUnread();
      boolean goesOn = lastJump != null && lastJump.readsOn();
      if (cursors.size() == MAX_CURSORS) {
        cursors.removeFirst();
      }
      boolean fromTheStart = offset % Limits.CHUNK_BYTES == 0;
      Cursor jump = new Cursor(fromTheStart ? Range.NONE : Range.of(first), last, toTheEnd);
      cursors.addLast(jump);
      lastJump = jump;
      Range ahead =
          goesOn ? jump.ask(chunksInFile, Math.min(JUMP_WINDOW_CHUNKS, maxChunks)) : Range.NONE;
      return new Step(ahead, index, unread, ahead.isEmpty());
    }
    cursors.remove(cursor);
    cursors.addLast(cursor);
    Range ahead = cursor.readUpTo(last, toTheEnd, chunksInFile, maxChunks);
    return ahead.isEmpty() && index.isEmpty()
        ? Step.NOTHING
        : new Step(ahead, index, List.of(), false);
  }

  /** What is wanted of the file's end by who reads on at its beginning; once. */
  private Range index(long offset, long end, long fileBytes) {
    if (!indexDue || offset > LOOK_BYTES || end <= LOOK_BYTES) {
      return Range.NONE;
    }
    long chunksInFile = (fileBytes + Limits.CHUNK_BYTES - 1) / Limits.CHUNK_BYTES;
    Range last =
        new Range(Math.max(1, (fileBytes - INDEX_BYTES) / Limits.CHUNK_BYTES), chunksInFile);
    indexDue = last.isEmpty();
    return last;
  }

  /** The readers have gone: what was asked for ahead of them and not read is dropped. */
  List<Range> close() {
    return dropUnread();
  }

  private @Nullable Cursor cursorAt(long chunk) {
    for (int i = cursors.size() - 1; i >= 0; i--) {
      if (cursors.get(i).isContinuedAt(chunk)) {
        return cursors.get(i);
      }
    }
    return null;
  }

  private List<Range> dropUnread() {
    return cursors.stream().flatMap(Cursor::drop).filter(range -> !range.isEmpty()).toList();
  }

  /** A place in the file where somebody reads. */
  private static final class Cursor {
    /** The chunk in the midst of which it begins, if it does. */
    private Range begun;

    private long furthest;

    /** Whether its end was not read, and may be under way. */
    private boolean endMissing;

    private long askedUpTo;
    private int windowChunks;
    private int reached;

    Cursor(Range begunInTheMidst, long chunk, boolean toItsEnd) {
      begun = begunInTheMidst;
      furthest = chunk;
      endMissing = !toItsEnd;
      askedUpTo = chunk + 1;
    }

    boolean isContinuedAt(long chunk) {
      return chunk >= furthest - BACKWARD_CHUNKS && chunk <= Math.max(furthest + 1, askedUpTo);
    }

    Range readUpTo(long last, boolean toItsEnd, long chunksInFile, int maxChunks) {
      if (last <= furthest) {
        endMissing = last == furthest ? !toItsEnd : endMissing;
        return Range.NONE;
      }
      furthest = last;
      endMissing = !toItsEnd;
      reached = Math.min(reached + 1, READS_ON_CHUNKS);
      return ask(chunksInFile, Math.clamp(windowChunks * 2L, FIRST_WINDOW_CHUNKS, maxChunks));
    }

    boolean readsOn() {
      return reached == READS_ON_CHUNKS;
    }

    /** What is wanted with such a window, and was not asked for yet. */
    Range ask(long chunksInFile, int window) {
      windowChunks = window;
      Range ahead =
          new Range(
              Math.max(askedUpTo, furthest + 1), Math.min(chunksInFile, furthest + 1 + window));
      if (!ahead.isEmpty()) {
        askedUpTo = ahead.to();
      }
      return ahead;
    }

    /** What was asked for and not read, and the chunks of which only a part was. */
    Stream<Range> drop() {
      Range rest = begun;
      Range unread = new Range(endMissing ? furthest : furthest + 1, askedUpTo);
      begun = Range.NONE;
      endMissing = false;
      askedUpTo = furthest + 1;
      windowChunks /= 2;
      return Stream.of(rest, unread);
    }
  }
}
