package io.wormhole.daemon.mount;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.daemon.transport.Pending;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.Reply;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listings of folders that somebody who goes through a tree will want next: a walk waits for a few
 * round trips, not for one in each folder. They come on the bulk lane, so that nothing a program
 * waits for stands behind them.
 *
 * <p>Any thread; nothing here waits but {@link #take}.
 */
final class FoldersAhead {
  private static final Logger log = LoggerFactory.getLogger(FoldersAhead.class);

  private static final int FIRST_WINDOW = 4;

  /** Folders whose listings may be asked for and not wanted yet; */
  private static final int MOST_AHEAD = 64;

  /** fewer where he is so slow that they would not be good any more when he comes to them. */
  private static final double MOST_OF_LIFE_AHEAD = 0.4;

  /** Folders right before him, whose listings are asked for again if they were too early. */
  private static final int RENEWED_AHEAD = 4;

  /** How much the time spent in a folder weighs against those before. */
  private static final double NEWEST_WEIGHS = 0.25;

  /** Entries of listings that have come and were not wanted yet. */
  private static final int MOST_READY = 20_000;

  /** Folders of which it is known when they were asked for last. */
  private static final int MOST_REMEMBERED = 4096;

  /** How long a reader waits for what is on its way, before he asks himself. */
  private static final Duration PATIENCE = Duration.ofMillis(500);

  /** Entries of all folders that are being gone through. */
  private static final int MOST_WALKED = 100_000;

  private final HostCalls host;
  private final Executor checking = ForkJoinPool.commonPool();
  private final Cache<HostIdentity, WalkedEntries> walked;

  /** When folders were asked for; not soon again, however it ended. */
  private final Cache<HostIdentity, Boolean> attempted;

  /** Those that have come, for one reader each. Changed under this object's lock. */
  private final Cache<HostIdentity, Listing> ready;

  /** Those on their way. */
  private final Map<HostIdentity, Fetch> coming = new ConcurrentHashMap<>();

  private final long lifeNanos;
  private volatile @Nullable Inode lastEntered;

  // Each is a guess: who writes last is right.
  private volatile long enteredNanos;
  private volatile double nanosPerFolder;

  /** What is known of folders, and is told what has come. */
  interface Known {
    /** The last listing, which need not be good any more. */
    Optional<Listing> listing(HostIdentity folder);

    /** A listing has come. On any thread. */
    void arrived(HostIdentity folder, Listing listing);
  }

  private final Known known;

  FoldersAhead(HostCalls host, MountSettings settings, Known known) {
    this.host = host;
    this.known = known;
    this.lifeNanos = settings.attributeLife().toNanos();
    this.enteredNanos = host.nowNanos();
    this.walked =
        Caffeine.newBuilder()
            .maximumWeight(MOST_WALKED)
            .weigher((HostIdentity folder, WalkedEntries entries) -> 1 + entries.size())
            .ticker(host::nowNanos)
            .expireAfterAccess(settings.attributeLife().multipliedBy(2))
            .executor(Runnable::run)
            .build();
    this.attempted =
        Caffeine.newBuilder()
            .maximumSize(MOST_REMEMBERED)
            .ticker(host::nowNanos)
            .expireAfterWrite(settings.attributeLife().dividedBy(2))
            .executor(Runnable::run)
            .build();
    this.ready =
        Caffeine.newBuilder()
            .maximumWeight(MOST_READY)
            .weigher((HostIdentity folder, Listing listing) -> 1 + listing.size())
            .ticker(host::nowNanos)
            .expireAfterWrite(settings.attributeLife())
            .executor(Runnable::run)
            .build();
  }

  /**
   * Somebody lists a folder, or looks a name up in it. Does not wait.
   *
   * @param lists whether he is about to ask for its listing himself
   */
  void entered(Inode folder, boolean lists) {
    if (folder == lastEntered && !lists) {
      return;
    }
    if (folder != lastEntered) {
      lastEntered = folder;
      measure();
    }
    Inode around = folder.parent();
    Optional<byte[]> name = folder.name();
    Optional<Listing> listing = name.flatMap(_ -> known.listing(around.identity()));
    if (listing.isEmpty()) {
      return;
    }
    ByteString here = ByteString.copyFrom(name.orElseThrow());
    WalkedEntries entries = walked(around, listing.get(), here);
    entries.bound(mostAhead());
    WalkedEntries.Step step = entries.wanted(here);
    if (entries.pace() != null && step.inOrder()) {
      renewSoon(around, listing.get());
      renewNext(around, listing.get(), entries, here);
    }
    for (ByteString next : step.fetch()) {
      Seen seen = listing.get().find(next);
      if (seen != null && !(lists && next.equals(here))) {
        fetchBelow(around, next, seen);
      }
    }
    for (ByteString dropped : step.drop()) {
      Seen seen = listing.get().find(dropped);
      if (seen != null) {
        ready.invalidate(seen.attributes().identity());
      }
    }
  }

  /** What was asked for long ahead may be over when he comes to it. */
  private void renewNext(Inode around, Listing listing, WalkedEntries entries, ByteString here) {
    Optional<ByteString> next = entries.after(here);
    for (int i = 1; i <= RENEWED_AHEAD && next.isPresent(); i++) {
      Seen seen = listing.find(next.get());
      long neededUntil = host.nowNanos() + (long) ((i + 1) * nanosPerFolder);
      if (seen != null
          && known
              .listing(seen.attributes().identity())
              .filter(last -> last.remainingNanos(neededUntil) <= 0)
              .isPresent()) {
        fetchBelow(around, next.get(), seen);
      }
      next = next.flatMap(entries::after);
    }
  }

  private void fetchBelow(Inode around, ByteString name, Seen seen) {
    List<byte[]> path = new ArrayList<>(around.path());
    path.add(name.toByteArray());
    fetch(seen.attributes().identity(), path, true);
  }

  private void measure() {
    long now = host.nowNanos();
    double spent = Math.min(now - enteredNanos, lifeNanos);
    enteredNanos = now;
    double before = nanosPerFolder;
    nanosPerFolder = before + NEWEST_WEIGHS * (spent - before);
  }

  private long mostAhead() {
    double ahead = MOST_OF_LIFE_AHEAD * lifeNanos / Math.max(1, nanosPerFolder);
    return (long) Math.min(ahead, MOST_AHEAD);
  }

  private WalkedEntries walked(Inode folder, Listing listing, ByteString name) {
    WalkedEntries before = walked.getIfPresent(folder.identity());
    if (before != null && (before.knows(name) || before.isOf(listing))) {
      return before;
    }
    WalkedEntries entries =
        new WalkedEntries(
            listing,
            attributes -> attributes.type() == FileType.DIRECTORY,
            _ -> 1,
            FIRST_WINDOW,
            MOST_AHEAD);
    WalkedEntries around = walked.getIfPresent(folder.parent().identity());
    WalkOrder.Pace pace = around == null ? null : around.pace();
    if (pace != null) {
      entries.expect(pace);
    }
    walked.put(folder.identity(), entries);
    return entries;
  }

  /**
   * Where somebody who goes from folder to folder will be next.
   *
   * @param around the folder they all stand in
   * @param name of the one he is in
   */
  Optional<ByteString> after(Inode around, ByteString name) {
    WalkedEntries entries = walked.getIfPresent(around.identity());
    return entries == null || entries.pace() == null ? Optional.empty() : entries.after(name);
  }

  /**
   * A listing that is used much is asked for anew before it is over, if it is one page. Does not
   * wait.
   */
  void renewSoon(Inode folder, Listing listing) {
    if (listing.size() < Limits.PAGE_ENTRIES
        && listing.remainingNanos(host.nowNanos()) < lifeNanos / 2) {
      fetch(folder.identity(), folder.path(), false);
    }
  }

  /**
   * The listing that was asked for ahead, for one reader. Waits a moment for one that is on its
   * way.
   *
   * @return empty if there is none, or none that is good
   */
  Optional<Listing> take(HostIdentity folder) throws InterruptedException {
    Fetch fetch = coming.get(folder);
    if (fetch != null && fetch.forReader) {
      fetch.hurry();
      try {
        fetch.done.get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
      } catch (ExecutionException | TimeoutException notInTime) {
        return Optional.empty();
      }
    }
    synchronized (this) {
      return Optional.ofNullable(ready.asMap().remove(folder))
          .filter(listing -> listing.remainingNanos(host.nowNanos()) > 0);
    }
  }

  /** Nothing that was asked for before is to be used. */
  synchronized void dropAll() {
    coming.values().forEach(fetch -> fetch.dropped = true);
    ready.invalidateAll();
    walked.invalidateAll();
  }

  /** What was asked for of a folder is not to be used. */
  synchronized void drop(HostIdentity folder) {
    Fetch fetch = coming.get(folder);
    if (fetch != null) {
      fetch.dropped = true;
    }
    ready.invalidate(folder);
  }

  /**
   * @param forReader whether one who lists the folder is given what comes
   */
  private void fetch(HostIdentity folder, List<byte[]> path, boolean forReader) {
    Optional<Lanes> lanes = host.link().now();
    if (lanes.isEmpty()
        || host.link().isOffline()
        || attempted.asMap().putIfAbsent(folder, true) != null) {
      return;
    }
    Fetch fetch = new Fetch(lanes.get(), folder, path, forReader);
    if (coming.putIfAbsent(folder, fetch) == null) {
      fetch.begin();
    }
  }

  /** A folder on its way: its first page, which has to be all of it. */
  private final class Fetch {
    private final Lanes lanes;
    private final HostIdentity folder;
    private final List<byte[]> path;
    private final boolean forReader;
    private final long askedNanos = host.nowNanos();
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private volatile @Nullable Pending<Reply> asked;

    /** Under the lock of those who drop. */
    private boolean dropped;

    Fetch(Lanes lanes, HostIdentity folder, List<byte[]> path, boolean forReader) {
      this.lanes = lanes;
      this.folder = folder;
      this.path = path;
      this.forReader = forReader;
    }

    void begin() {
      Pending<Reply> request;
      try {
        request = host.listAhead(lanes, path);
      } catch (ErrnoException tooLong) {
        end(tooLong);
        return;
      }
      asked = request;
      var _ =
          request
              .answer()
              .thenAcceptAsync(this::arrived, checking)
              .whenComplete((_, why) -> end(why));
    }

    void hurry() {
      Pending<Reply> request = asked;
      if (request != null) {
        request.hurry();
      }
    }

    private void end(@Nullable Throwable why) {
      if (why != null) {
        log.debug("a folder could not be listed ahead", why);
      }
      coming.remove(folder, this);
      done.complete(null);
    }

    private void arrived(Reply reply) {
      FolderPage page = reply.getFolderPage();
      if (page.getHandle() != 0) {
        host.close(new Access(lanes, page.getHandle()));
      }
      try {
        if (!host.seen(page.getFolder(), askedNanos).attributes().identity().equals(folder)) {
          throw new ErrnoException(Errno.ESTALE);
        }
        boolean whole = page.getHandle() == 0;
        List<Item> items = FolderPages.checked(host, path.size(), page, askedNanos);
        land(Listing.ahead(items, host.goodUntilNanos(askedNanos), whole));
      } catch (ErrnoException lie) {
        throw new CompletionException(lie);
      }
    }

    private void land(Listing come) {
      synchronized (FoldersAhead.this) {
        if (dropped) {
          return;
        }
        known.arrived(folder, come);
        if (forReader && come.isWhole()) {
          ready.put(folder, come);
        }
      }
    }
  }
}
