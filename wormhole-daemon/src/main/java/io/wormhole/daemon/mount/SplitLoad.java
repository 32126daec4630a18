package io.wormhole.daemon.mount;

import io.wormhole.cache.Arrival;
import io.wormhole.cache.Part;
import io.wormhole.cache.PendingLoad;
import io.wormhole.protocol.wire.message.Priority;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A chunk in up to three reads of the host, for a long path: first the part that somebody waits
 * for; what follows it at once, but after all that anybody waits for; what stands before it when
 * the part has come, as nobody may ever want that. Any thread.
 */
final class SplitLoad implements PendingLoad {
  /** Reads a range of the chunk. */
  @FunctionalInterface
  interface Reader {
    /** Begins to; does not wait. What arrives is of the range's length. */
    PendingLoad read(int from, int to, Priority priority);
  }

  private final Reader reader;
  private final int wantedFrom;
  private final CompletableFuture<Arrival> arrival = new CompletableFuture<>();

  // Guarded by this.
  /** The one for the part that is waited for is the first. */
  private final List<PendingLoad> begun = new ArrayList<>(3);

  private final List<Part> parts = new ArrayList<>(3);
  private @Nullable Part first;
  private @Nullable Consumer<Part> firstTold;
  private @Nullable Throwable failure;
  private boolean headDue;
  private boolean hurried;
  private boolean ended;
  private int coming;

  /**
   * Begins it.
   *
   * @param bytes of the chunk
   * @param from where the part begins that somebody waits for
   * @param to where it ends, past {@code from}; not all of the chunk
   */
  SplitLoad(int bytes, int from, int to, Reader reader) {
    this.reader = reader;
    this.wantedFrom = from;
    this.headDue = from > 0;
    this.coming = (from > 0 ? 3 : 2) - (to < bytes ? 0 : 1);
    begin(from, to, Priority.PRIORITY_WAITING);
    if (to < bytes) {
      begin(to, bytes, Priority.PRIORITY_READ_AHEAD);
    }
  }

  /** Each range is begun once, and ends once; {@link #coming} counts those that have not ended. */
  private void begin(int from, int to, Priority priority) {
    PendingLoad load;
    try {
      load = reader.read(from, to, priority);
    } catch (RuntimeException | Error broken) {
      // Other reads of it may be under way.
      ended(from, null, broken);
      return;
    }
    boolean late;
    boolean waitedFor;
    synchronized (this) {
      begun.add(load);
      late = ended;
      waitedFor = hurried;
    }
    if (late) {
      load.cancel();
    } else if (waitedFor) {
      load.hurry();
    }
    var _ = load.arrival().whenComplete((come, failed) -> ended(from, come, failed));
  }

  private void ended(int from, @Nullable Arrival come, @Nullable Throwable failed) {
    Consumer<Part> told = null;
    Part part = come == null ? null : new Part(from, come);
    synchronized (this) {
      if (part != null) {
        parts.add(part);
        if (from == wantedFrom && (coming > 1 || failure != null)) {
          first = part;
          told = firstTold;
        }
      } else if (failure == null) {
        failure = failed;
      }
    }
    // It counts as coming while somebody is told of it: nothing ends before.
    try {
      if (part == null) {
        giveUp(from == wantedFrom);
      } else if (from == wantedFrom) {
        if (told != null) {
          told.accept(part);
        }
        beginHead(Priority.PRIORITY_READ_AHEAD);
      }
    } finally {
      synchronized (this) {
        coming--;
      }
      completeIfOver();
    }
  }

  /**
   * It will not be whole.
   *
   * @param wantedToo whether nobody gets even the part that is waited for
   */
  private void giveUp(boolean wantedToo) {
    List<PendingLoad> rest;
    synchronized (this) {
      ended = true;
      if (headDue) {
        headDue = false;
        coming--;
      }
      rest = begun.stream().skip(wantedToo ? 0 : 1).toList();
    }
    rest.forEach(PendingLoad::cancel);
  }

  private void beginHead(Priority priority) {
    synchronized (this) {
      if (!headDue) {
        return;
      }
      headDue = false;
    }
    begin(0, wantedFrom, priority);
  }

  /** Only then is the chunk's memory nobody's: not while any part may still be written. */
  private void completeIfOver() {
    Throwable why;
    synchronized (this) {
      if (coming > 0) {
        return;
      }
      ended = true;
      why = failure;
    }
    if (why != null) {
      arrival.completeExceptionally(why);
    } else {
      arrival.complete(Arrival.of(parts));
    }
  }

  @Override
  public CompletableFuture<Arrival> arrival() {
    return arrival;
  }

  @Override
  public void onPart(Consumer<Part> told) {
    Part there;
    synchronized (this) {
      firstTold = told;
      there = first;
    }
    if (there != null) {
      told.accept(there);
    }
  }

  @Override
  public void hurry() {
    synchronized (this) {
      hurried = true;
    }
    beginHead(Priority.PRIORITY_WAITING);
    loads().forEach(PendingLoad::hurry);
  }

  @Override
  public void cancel() {
    synchronized (this) {
      if (headDue && failure == null) {
        failure = new CancellationException();
      }
    }
    giveUp(true);
    completeIfOver();
  }

  private synchronized List<PendingLoad> loads() {
    return List.copyOf(begun);
  }
}
