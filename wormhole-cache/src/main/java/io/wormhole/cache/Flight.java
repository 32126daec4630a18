package io.wormhole.cache;

import io.wormhole.cache.ram.Chunk;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One chunk on its way, and the readers who wait for it.
 *
 * <pre>
 *   WAITING (for a slot) ── begin ──▶ LOADING ── arrived ──▶ VERIFYING ──▶ ENDED (landed or failed)
 *      └───────────── cancelled, failed ──┴────────────────────────────────▶ ENDED
 * </pre>
 *
 * <p>Whoever has taken the slot keeps the duty to free it, also when the flight ends before its
 * load does. No lock but the flight's own is taken under its lock, and nothing foreign is called.
 */
final class Flight {
  private enum Phase {
    WAITING,
    LOADING,
    VERIFYING,
    ENDED
  }

  private final ChunkKey key;
  private final ChunkLoader loader;
  private final boolean readAhead;
  private final CountDownLatch ended = new CountDownLatch(1);

  /** Opened by a part that may be copied, or by the end. */
  private final CountDownLatch partOrEnd = new CountDownLatch(1);

  private volatile Phase phase = Phase.WAITING;
  private volatile boolean kept = true;

  /** Set by a reader whose patience is over; guarded by the line it waits in. */
  private boolean hurried;

  private int readers;
  private boolean asked;

  /** Somebody waits for all of it who did not when it was begun. */
  private boolean loadHurried;

  private Turn turn;

  /** Whether it is one of the flights that nobody waits for, of which there are so many at most. */
  private enum Turn {
    NONE,
    TAKEN,
    OVER
  }

  private @Nullable PendingLoad load;
  private @Nullable Chunk chunk;
  private @Nullable Throwable failure;

  /** The part that was verified before the rest came, and its place. */
  private @Nullable MemorySegment part;

  private int partOffset;
  private boolean partWithdrawn;

  /** A part is being verified. */
  private boolean checking;

  /** What is to be done when it was. */
  private @Nullable Runnable putOff;

  Flight(ChunkKey key, ChunkLoader loader, boolean readAhead) {
    this.key = key;
    this.loader = loader;
    this.readAhead = readAhead;
    this.turn = readAhead ? Turn.TAKEN : Turn.NONE;
  }

  ChunkKey key() {
    return key;
  }

  ChunkLoader loader() {
    return loader;
  }

  /**
   * Counts it among those that nobody waits for, as it is left alone by its last reader.
   *
   * @return false if it is counted, or has ended as far as that goes
   */
  synchronized boolean takeTurn() {
    if (turn != Turn.NONE) {
      return false;
    }
    turn = Turn.TAKEN;
    return true;
  }

  /** Whether it is counted so, or was. */
  synchronized boolean hasTurn() {
    return turn != Turn.NONE;
  }

  /** Whether it was counted so until now; it never is again. */
  synchronized boolean endTurn() {
    boolean taken = turn == Turn.TAKEN;
    turn = Turn.OVER;
    return taken;
  }

  /** Whether its part has come, the rest is being loaded, and nobody waits for that. */
  synchronized boolean isLeftWithPart() {
    return readers == 0 && phase == Phase.LOADING && part != null;
  }

  /**
   * Counts one more reader; false if the flight has ended. Whoever joins what was begun without him
   * has all of it hurried: of a part that comes first he may want another.
   */
  boolean join() {
    PendingLoad begun;
    synchronized (this) {
      if (phase == Phase.ENDED) {
        return false;
      }
      boolean late = (readAhead || asked) && !loadHurried;
      loadHurried |= late;
      begun = late ? load : null;
      readers++;
      asked = true;
    }
    if (begun != null) {
      begun.hurry();
    }
    return true;
  }

  /** One reader less; the chunk he was granted, to be released by the caller, if there is one. */
  synchronized @Nullable Chunk leave() {
    if (phase == Phase.ENDED) {
      return chunk;
    }
    readers--;
    return null;
  }

  /** Whether any reader ever joined. */
  synchronized boolean wasAskedFor() {
    return asked;
  }

  /** A slot is there; false if the flight has ended. */
  synchronized boolean begin() {
    if (phase != Phase.WAITING) {
      return false;
    }
    phase = Phase.LOADING;
    return true;
  }

  /** The load that was begun; cancelled on the spot if the flight has ended meanwhile. */
  void attach(PendingLoad begun) {
    boolean ended;
    boolean waitedFor;
    synchronized (this) {
      load = begun;
      ended = phase == Phase.ENDED;
      waitedFor = loadHurried;
    }
    if (ended) {
      begun.cancel();
    } else if (waitedFor) {
      begun.hurry();
    }
  }

  /** The bytes are there, to be verified; false if the flight has ended. */
  synchronized boolean arrived() {
    if (phase != Phase.LOADING) {
      return false;
    }
    phase = Phase.VERIFYING;
    return true;
  }

  /** Ends with a chunk: each reader gets a reference of his own. Takes over the caller's. */
  void land(Chunk landed) {
    boolean wanted;
    synchronized (this) {
      wanted = phase != Phase.ENDED && readers > 0;
      if (phase != Phase.ENDED) {
        for (int i = 1; i < readers; i++) {
          if (!landed.retain()) {
            throw new IllegalStateException("a chunk landed that its flight does not hold");
          }
        }
        chunk = landed;
        phase = Phase.ENDED;
      }
    }
    if (!wanted) {
      landed.release();
    }
    hasCome();
  }

  /** Ends without a chunk; false if it had ended before. */
  boolean fail(Throwable why) {
    synchronized (this) {
      if (phase == Phase.ENDED) {
        return false;
      }
      failure = why;
      phase = Phase.ENDED;
    }
    hasCome();
    return true;
  }

  private void hasCome() {
    ended.countDown();
    partOrEnd.countDown();
  }

  /**
   * A part of what is loaded is about to be verified: until {@link #partChecked} nobody frees the
   * slot.
   */
  synchronized void checkPart() {
    checking = true;
  }

  /**
   * The part was verified, or not.
   *
   * @param verified its bytes, in the slot, if they are right
   */
  void partChecked(int offset, @Nullable MemorySegment verified) {
    Runnable next;
    synchronized (this) {
      checking = false;
      next = putOff;
      putOff = null;
      if (phase != Phase.ENDED && !partWithdrawn && verified != null) {
        part = verified;
        partOffset = offset;
      }
    }
    if (verified != null) {
      partOrEnd.countDown();
    }
    if (next != null) {
      next.run();
    }
  }

  /** Has something done when the part that is being verified was; false if none is. */
  synchronized boolean putOff(Runnable task) {
    if (!checking) {
      return false;
    }
    putOff = task;
    return true;
  }

  /** Nothing is copied from the part any more: the slot is about to be another's. */
  synchronized void withdrawPart() {
    partWithdrawn = true;
    part = null;
  }

  /**
   * Copies bytes of the part, if that is there and has them all.
   *
   * <p>Under the lock: the part may be withdrawn.
   */
  synchronized boolean copyPart(int from, MemorySegment destination) {
    MemorySegment there = part;
    if (phase == Phase.ENDED
        || there == null
        || from < partOffset
        || from + destination.byteSize() > partOffset + there.byteSize()) {
      return false;
    }
    MemorySegment.copy(there, from - partOffset, destination, 0, destination.byteSize());
    return true;
  }

  /** Tells the loader, if it was asked, that somebody waits for all of the chunk. */
  void hurryLoad() {
    PendingLoad begun;
    synchronized (this) {
      begun = load;
    }
    if (begun != null) {
      begun.hurry();
    }
  }

  /** Ends it if it waits for a slot and nobody waits for it. */
  synchronized boolean endIfForgotten() {
    return phase == Phase.WAITING && endIfUnwanted();
  }

  /** Ends it if nobody waits for it and its bytes have not come. */
  synchronized boolean endIfUnwanted() {
    return readers == 0
        && phase != Phase.VERIFYING
        && fail(new CancellationException(key + " was not wanted any more"));
  }

  /** Tells the loader, if it was asked, that nobody wants the chunk. */
  void cancelLoad() {
    PendingLoad begun;
    synchronized (this) {
      begun = load;
    }
    if (begun != null) {
      begun.cancel();
    }
  }

  /** The chunk may be read by those who wait, but is not to be kept: its version is old. */
  void doNotKeep() {
    kept = false;
  }

  boolean isKept() {
    return kept;
  }

  boolean isWaiting() {
    return phase == Phase.WAITING;
  }

  boolean hasEnded() {
    return phase == Phase.ENDED;
  }

  boolean awaitEnd(long atMostNanos) throws InterruptedException {
    return ended.await(atMostNanos, TimeUnit.NANOSECONDS);
  }

  /** Waits for a part that may be copied, or for the end. */
  boolean awaitPart(long atMostNanos) throws InterruptedException {
    return partOrEnd.await(atMostNanos, TimeUnit.NANOSECONDS);
  }

  /** What the flight ended with: a reference that was granted to the caller, or why not. */
  synchronized Chunk granted() throws ChunkException {
    if (chunk != null) {
      return chunk;
    }
    if (failure == null) {
      throw new IllegalStateException("a flight was asked before its end");
    }
    // A new exception for each reader: its stack is his, and he may add to it.
    throw switch (failure) {
      case CorruptChunkException corrupt -> new CorruptChunkException(key);
      case CacheClosedException closed -> new CacheClosedException(key);
      case CacheBusyException busy -> new CacheBusyException(key);
      default -> new ChunkLoadException(key, failure);
    };
  }

  boolean isHurried() {
    return hurried;
  }

  void hurried() {
    hurried = true;
  }
}
