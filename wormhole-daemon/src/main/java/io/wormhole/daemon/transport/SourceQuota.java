package io.wormhole.daemon.transport;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * So many places in all, and so many of them for one source, for peers nobody knows yet. Any
 * thread; bounded by its own limit.
 */
public final class SourceQuota {
  private final int inAll;
  private final int perSource;
  private final Map<SourcePrefix, Integer> taken = new HashMap<>();
  private int all;

  public SourceQuota(int inAll, int perSource) {
    this.inAll = inAll;
    this.perSource = perSource;
  }

  /** One peer's place. */
  public final class Place {
    private final SourcePrefix source;
    private final AtomicBoolean left = new AtomicBoolean();

    private Place(SourcePrefix source) {
      this.source = source;
    }

    /** Makes room for another. Does nothing the second time. */
    public void leave() {
      if (left.compareAndSet(false, true)) {
        give(source);
      }
    }
  }

  /** Whether {@link #take} would succeed now. */
  public synchronized boolean hasRoom(SourcePrefix source) {
    return all < inAll && taken.getOrDefault(source, 0) < perSource;
  }

  /** A place, which the taker leaves; empty where there is none. */
  public synchronized Optional<Place> take(SourcePrefix source) {
    if (!hasRoom(source)) {
      return Optional.empty();
    }
    all++;
    taken.merge(source, 1, Integer::sum);
    return Optional.of(new Place(source));
  }

  private synchronized void give(SourcePrefix source) {
    all--;
    taken.computeIfPresent(source, (_, count) -> count == 1 ? null : count - 1);
  }

  /** Places that are taken. */
  public synchronized int taken() {
    return all;
  }
}
