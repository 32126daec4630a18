package io.wormhole.daemon.mount;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Files that are read without having been opened, because the kernel leaves opens out. What is kept
 * for a reader, the host's descriptor among it, is kept by node: from the first read on, until the
 * kernel forgets the node, or nobody has read for {@link #IDLE}, or so many other files were read
 * since that there is no room. After that the next read begins as the first one did.
 *
 * <p>Any thread. The lock is held for moments only.
 */
final class UnopenedFiles {
  /** The host cannot eject a disk from which it holds a file open. */
  static final Duration IDLE = Duration.ofSeconds(60);

  private final Function<Inode, OpenFile> maker;
  private final int most;
  private final LongSupplier tickerNanos;
  private final Executor later =
      CompletableFuture.delayedExecutor(IDLE.toSeconds() / 2, TimeUnit.SECONDS);

  // Under this object's lock.
  private final Map<Long, Kept> byNode = new LinkedHashMap<>(16, 0.75f, true);
  private boolean sweeping;

  private static final class Kept {
    final OpenFile file;
    int users;
    long readNanos;

    Kept(OpenFile file) {
      this.file = file;
    }
  }

  /** A file that is being read; it stays as it is until this is closed. */
  final class Use implements AutoCloseable {
    private final Kept kept;

    private Use(Kept kept) {
      this.kept = kept;
    }

    OpenFile file() {
      return kept.file;
    }

    @Override
    public void close() {
      leave(kept);
    }
  }

  /**
   * @param most how many files may be kept that nobody reads at the moment
   */
  UnopenedFiles(Function<Inode, OpenFile> maker, int most, LongSupplier tickerNanos) {
    this.maker = maker;
    this.most = most;
    this.tickerNanos = tickerNanos;
  }

  /** The file of an inode that is about to be read. */
  Use use(Inode inode) {
    List<OpenFile> gone = new ArrayList<>();
    Kept kept;
    synchronized (this) {
      kept = byNode.computeIfAbsent(inode.node(), _ -> new Kept(maker.apply(inode)));
      kept.users++;
      if (byNode.size() > most) {
        takeEldest(gone);
      }
      sweepLater();
    }
    gone.forEach(OpenFile::close);
    return new Use(kept);
  }

  private void takeEldest(List<OpenFile> gone) {
    Iterator<Kept> eldestFirst = byNode.values().iterator();
    while (byNode.size() > most && eldestFirst.hasNext()) {
      Kept eldest = eldestFirst.next();
      if (eldest.users == 0) {
        eldestFirst.remove();
        gone.add(eldest.file);
      }
    }
  }

  private void leave(Kept kept) {
    boolean gone;
    synchronized (this) {
      kept.users--;
      kept.readNanos = tickerNanos.getAsLong();
      gone = kept.users == 0 && byNode.get(kept.file.inode().node()) != kept;
    }
    if (gone) {
      kept.file.close();
    }
  }

  /** What is kept of an inode. */
  synchronized Optional<OpenFile> of(Inode inode) {
    return Optional.ofNullable(byNode.get(inode.node())).map(kept -> kept.file);
  }

  /** The kernel has forgotten a node. */
  void forget(long node) {
    Kept kept;
    synchronized (this) {
      kept = byNode.remove(node);
      if (kept == null || kept.users > 0) {
        return;
      }
    }
    kept.file.close();
  }

  /** Keeps nothing more; who reads goes on. */
  void close() {
    List<OpenFile> gone = new ArrayList<>();
    synchronized (this) {
      byNode.values().stream().filter(kept -> kept.users == 0).forEach(kept -> gone.add(kept.file));
      byNode.clear();
    }
    gone.forEach(OpenFile::close);
  }

  /** Under the lock. */
  private void sweepLater() {
    if (!sweeping) {
      sweeping = true;
      later.execute(this::sweep);
    }
  }

  private void sweep() {
    closeIdle();
    synchronized (this) {
      sweeping = false;
      if (!byNode.isEmpty()) {
        sweepLater();
      }
    }
  }

  /** Closes what nobody has read for long. */
  void closeIdle() {
    long now = tickerNanos.getAsLong();
    List<OpenFile> gone = new ArrayList<>();
    synchronized (this) {
      byNode
          .values()
          .removeIf(kept -> {
            boolean idle = kept.users == 0 && now - kept.readNanos >= IDLE.toNanos();
            if (idle) {
              gone.add(kept.file);
            }
            return idle;
          });
    }
    gone.forEach(OpenFile::close);
  }
}
