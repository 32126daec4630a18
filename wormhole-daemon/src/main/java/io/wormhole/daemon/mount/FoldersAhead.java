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
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
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

  /** A folder that has more pages is not asked for to its end. */
  private static final int MOST_PAGES = 8;

  /** Entries of all folders that are being gone through. */
  private static final int MOST_WALKED = 100_000;

  private final HostCalls host;
  private final Executor checking = ForkJoinPool.commonPool();
  private final Cache<HostIdentity, WalkedEntries> walked;
  private final Cache<HostIdentity, CompletableFuture<Optional<Listing>>> coming;
  private final long lifeNanos;
  private volatile @Nullable Inode lastEntered;

  /** Counts how often everything was dropped. */
  private volatile int epoch;

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
    this.walked =
        Caffeine.newBuilder()
            .maximumWeight(MOST_WALKED)
            .weigher((HostIdentity folder, WalkedEntries entries) -> 1 + entries.size())
            .ticker(host::nowNanos)
            .expireAfterAccess(settings.attributeLife().multipliedBy(2))
            .executor(Runnable::run)
            .build();
    this.coming =
        Caffeine.newBuilder()
            .maximumSize(4L * MOST_AHEAD)
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
    if (entries.pace() != null) {
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
        drop(seen.attributes().identity());
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
    var _ = fetch(seen.attributes().identity(), path);
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
    if (before != null && before.knows(name)) {
      return before;
    }
    WalkedEntries entries =
        new WalkedEntries(
            listing.items().stream()
                .filter(item -> item.seen().attributes().type() == FileType.DIRECTORY)
                .toList(),
            listing.before(),
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
   * A listing that is used much is asked for anew before it is over, if that can be had as a whole.
   * Does not wait.
   */
  void renewSoon(Inode folder, Listing listing) {
    int most = listing.isWhole() ? MOST_PAGES * Limits.PAGE_ENTRIES : Limits.PAGE_ENTRIES - 1;
    if (listing.size() > most || listing.remainingNanos(host.nowNanos()) >= lifeNanos / 2) {
      return;
    }
    HostIdentity identity = folder.identity();
    CompletableFuture<Optional<Listing>> renewed = fetch(identity, folder.path());
    var _ = renewed.thenRun(() -> coming.asMap().remove(identity, renewed));
  }

  /**
   * The listing that was asked for ahead, for one reader. Waits for it if it is on its way.
   *
   * @return empty if there is none, or none that is good
   */
  Optional<Listing> take(Inode folder, long endNanos) throws InterruptedException {
    CompletableFuture<Optional<Listing>> asked = coming.asMap().remove(folder.identity());
    if (asked == null) {
      return Optional.empty();
    }
    try {
      return asked
          .get(host.left(endNanos).toNanos(), TimeUnit.NANOSECONDS)
          .filter(listing -> listing.isWhole() && listing.remainingNanos(host.nowNanos()) > 0);
    } catch (ExecutionException | TimeoutException failed) {
      return Optional.empty();
    }
  }

  /** Nothing that was asked for before is to be used. */
  void dropAll() {
    synchronized (this) {
      epoch++;
    }
    coming.asMap().keySet().forEach(this::drop);
    walked.invalidateAll();
  }

  /** What was asked for of a folder is not to be used. */
  void drop(HostIdentity folder) {
    CompletableFuture<Optional<Listing>> asked = coming.asMap().remove(folder);
    if (asked != null) {
      asked.complete(Optional.empty());
    }
  }

  private CompletableFuture<Optional<Listing>> fetch(HostIdentity folder, List<byte[]> path) {
    CompletableFuture<Optional<Listing>> listing = new CompletableFuture<>();
    Optional<Lanes> lanes = host.link().now();
    if (lanes.isEmpty() || host.link().isOffline()) {
      listing.complete(Optional.empty());
      return listing;
    }
    CompletableFuture<Optional<Listing>> before = coming.getIfPresent(folder);
    if (before != null && !before.isDone()) {
      return before;
    }
    coming.put(folder, listing);
    new Fetch(lanes.get(), folder, path, listing).begin();
    return listing;
  }

  /** A folder on its way, page after page. */
  private final class Fetch {
    private final Lanes lanes;
    private final HostIdentity folder;
    private final List<byte[]> path;
    private final CompletableFuture<Optional<Listing>> listing;
    private final List<Item> items = new ArrayList<>();
    private final int epoch = FoldersAhead.this.epoch;
    private long askedNanos;
    private long goodUntilNanos = Long.MAX_VALUE;
    private int pages;

    Fetch(
        Lanes lanes,
        HostIdentity folder,
        List<byte[]> path,
        CompletableFuture<Optional<Listing>> listing) {
      this.lanes = lanes;
      this.folder = folder;
      this.path = path;
      this.listing = listing;
    }

    void begin() {
      askedNanos = host.nowNanos();
      try {
        next(host.listAhead(lanes, path));
      } catch (ErrnoException tooLong) {
        listing.complete(Optional.empty());
      }
    }

    private void next(CompletableFuture<Reply> asked) {
      var _ =
          asked
              .thenAcceptAsync(this::page, checking)
              .whenComplete((_, failed) -> {
                if (failed != null) {
                  log.debug("a folder could not be listed ahead", failed);
                  listing.complete(Optional.empty());
                }
              });
    }

    private void page(Reply reply) {
      FolderPage page = reply.getFolderPage();
      long handle = page.getHandle();
      try {
        if (pages == 0) {
          requireSame(host.seen(page.getFolder(), askedNanos));
        }
        items.addAll(FolderPages.checked(host, path.size(), page, askedNanos));
      } catch (ErrnoException lie) {
        close(handle);
        throw new CompletionException(lie);
      }
      goodUntilNanos = Math.min(goodUntilNanos, host.goodUntilNanos(askedNanos));
      pages++;
      if (handle != 0 && pages < MOST_PAGES) {
        askedNanos = host.nowNanos();
        next(host.listMoreAhead(new Access(lanes, handle)));
        return;
      }
      close(handle);
      Listing come = Listing.ahead(items, goodUntilNanos, handle == 0);
      if (!listing.isDone() && epoch == FoldersAhead.this.epoch) {
        known.arrived(folder, come);
        listing.complete(Optional.of(come));
      } else {
        listing.complete(Optional.empty());
      }
    }

    private void requireSame(Seen listed) throws ErrnoException {
      if (!listed.attributes().identity().equals(folder)) {
        throw new ErrnoException(Errno.ESTALE);
      }
    }

    private void close(long handle) {
      if (handle != 0) {
        host.close(new Access(lanes, handle));
      }
    }
  }
}
