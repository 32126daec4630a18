package io.wormhole.daemon.mount;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.daemon.mount.MetadataCache.Kept;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.Reply;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listings, kept as long as the attributes in them are good: a name that is looked up in a folder
 * just listed costs no round trip; whether it is there or not, if all of the folder was listed.
 * Bounded by entries.
 *
 * <p>Who looks up a second name in a folder will look up more: then the folder's first page is
 * asked for beside that name, and nobody waits for it. Such a page tells what is there and never
 * what is not: only who has read a listing expects it to hold for a while. Who goes from folder to
 * folder finds them listed {@linkplain FoldersAhead ahead}.
 */
final class FolderListings {
  private static final Logger log = LoggerFactory.getLogger(FolderListings.class);

  /**
   * How long the kernel may answer by itself while the host is away. It looks a name up for each
   * call that has it in its path, and programs make several.
   */
  static final Duration OFFLINE_LIFE = Duration.ofSeconds(1);

  /** Folders in which a name was asked for of late. */
  private static final int MAX_FOLDERS_WATCHED = 256;

  private static final int MAX_RECALLED_BYTES = 16 << 20;

  /** A listing that takes longer to read from the disk is not used. */
  private static final Duration RECALLED_WITHIN = Duration.ofSeconds(5);

  private static final Duration LONG_AGO = Duration.ofDays(3650);

  /** A listing that is over still tells what to ask for ahead, for so many times its life. */
  private static final int LIVES_KEPT = 4;

  /** A listing in which so many names were looked up is asked for anew before it is over. */
  private static final int MUCH_USED = 32;

  private final HostCalls host;
  private final int maxEntries;
  private final Cache<HostIdentity, Listing> listings;

  private final Cache<HostIdentity, Ahead> ahead;
  private final FoldersAhead folders;
  private final MetadataCache metadata;
  private final ReentrantLock recalling = new ReentrantLock();

  /** Listings as they were kept, in which names were looked up of late. */
  private final Cache<HostIdentity, KeptListing> recalled;

  /**
   * A folder in which a name was asked for.
   *
   * @param names the first of them
   * @param paged whether its first page was asked for as well, which is so from the second name on
   */
  private record Ahead(List<ByteString> names, boolean paged, long askedNanos) {}

  FolderListings(HostCalls host, MetadataCache metadata, MountSettings settings) {
    this.host = host;
    this.metadata = metadata;
    this.maxEntries = settings.cachedEntries();
    this.folders = new FoldersAhead(host, settings, new Known());
    this.listings =
        Caffeine.newBuilder()
            .maximumWeight(maxEntries)
            .weigher((HostIdentity folder, Listing listing) -> 1 + listing.size())
            .ticker(host::nowNanos)
            .expireAfterWrite(settings.attributeLife().multipliedBy(LIVES_KEPT))
            .executor(Runnable::run)
            .build();
    this.recalled =
        Caffeine.newBuilder()
            .maximumWeight(MAX_RECALLED_BYTES)
            .weigher((HostIdentity folder, KeptListing listing) -> listing.bytes())
            .ticker(host::nowNanos)
            .expireAfterWrite(settings.attributeLife())
            .executor(Runnable::run)
            .build();
    this.ahead =
        Caffeine.newBuilder()
            .maximumSize(MAX_FOLDERS_WATCHED)
            .ticker(host::nowNanos)
            .expireAfterWrite(settings.attributeLife())
            .executor(Runnable::run)
            .build();
  }

  /**
   * What is known of a name without asking.
   *
   * @param seen what stands under the name; null when the folder holds no such name, or is not
   *     known
   * @param isAbsent whether the folder holds no such name
   * @param goodFor how long that is good yet
   */
  record Finding(@Nullable Seen seen, boolean isAbsent, Duration goodFor) {
    static final Finding UNKNOWN = new Finding(null, false, Duration.ZERO);

    boolean isKnown() {
      return seen != null || isAbsent;
    }

    /** What stands under the name. */
    Seen orAbsent() throws ErrnoException {
      if (seen == null) {
        throw ErrnoException.absent(goodFor);
      }
      return seen;
    }
  }

  /** Looks for a name in a good listing of its folder. */
  Finding find(Inode folder, ByteString name) {
    folders.entered(folder, false);
    Optional<Listing> good = good(folder.identity());
    if (good.isEmpty() || !good.get().knows(name)) {
      return Finding.UNKNOWN;
    }
    Listing listing = good.get();
    long leftNanos = listing.remainingNanos(host.nowNanos());
    if (listing.lookedUp() >= MUCH_USED || listing.cameAhead()) {
      folders.renewSoon(folder, listing);
    }
    Seen seen = listing.find(name);
    return new Finding(seen, seen == null, Duration.ofNanos(Math.max(1, leftNanos)));
  }

  /** Folders as they are gone through. */
  FoldersAhead folders() {
    return folders;
  }

  /** The last listing of a folder, good or not: for what to ask the host about. */
  Optional<Listing> recent(HostIdentity folder) {
    return Optional.ofNullable(listings.getIfPresent(folder));
  }

  /** The listing of a folder, if it is good. Does not wait. */
  Optional<Listing> good(HostIdentity folder) {
    return Optional.ofNullable(listings.getIfPresent(folder)).filter(this::isGood);
  }

  private boolean isBetter(Listing one, Listing other) {
    return one.isLaterThan(other) || (isGood(one) && one.isWhole() && !other.isWhole());
  }

  private boolean isGood(Listing listing) {
    return listing.remainingNanos(host.nowNanos()) > 0;
  }

  /** What those who fetch ahead go by, and where they put what has come. */
  private final class Known implements FoldersAhead.Known {
    @Override
    public Optional<Listing> listing(HostIdentity folder) {
      return recent(folder);
    }

    @Override
    public void arrived(HostIdentity folder, Listing listing) {
      listings.asMap().merge(folder, listing, (one, come) -> isBetter(one, come) ? one : come);
      if (listing.isWhole()) {
        MetadataCache.Writer kept = metadata.write(folder);
        var _ = kept.add(listing.items());
        var _ = kept.complete();
      }
    }
  }

  /**
   * Looks for a name in what is kept of its folder, while the host is away. Waits for the disk.
   *
   * @return what is good until the host is back, or may have been
   */
  Finding recall(Inode folder, ByteString name) throws InterruptedException {
    HostIdentity identity = folder.identity();
    Finding listed = recallListed(identity, name);
    Optional<Seen> named = metadata.named(identity, name).map(this::old);
    Seen seen = listed.seen();
    if (listed.isAbsent() || named.isEmpty()) {
      return listed;
    }
    return seen != null && !named.get().attributes().isNewerThan(seen.attributes())
        ? listed
        : new Finding(named.get(), false, OFFLINE_LIFE);
  }

  /** One after the other: names are looked up in turns, and the disk is asked once for many. */
  private Finding recallListed(HostIdentity folder, ByteString name) throws InterruptedException {
    long endNanos = host.nowNanos() + RECALLED_WITHIN.toNanos();
    if (!recalling.tryLock(RECALLED_WITHIN.toNanos(), TimeUnit.NANOSECONDS)) {
      return Finding.UNKNOWN;
    }
    try {
      KeptListing listing = recalled.getIfPresent(folder);
      if (listing == null) {
        listing = KeptListing.read(metadata, folder, () -> host.nowNanos() - endNanos < 0);
        recalled.put(folder, listing);
      }
      Seen seen = listing.find(name).map(this::old).orElse(null);
      return new Finding(seen, seen == null && listing.isWhole(), OFFLINE_LIFE);
    } finally {
      recalling.unlock();
    }
  }

  /** Entries of a listing that is held in memory. */
  private int mostListed() {
    return maxEntries / 4;
  }

  /** Older than whatever was heard of the host since this mount began. */
  private Seen old(HostAttributes attributes) {
    return new Seen(attributes, host.nowNanos() - LONG_AGO.toNanos());
  }

  /** A name is about to be asked for: of the second one on, the folder is too. Does not wait. */
  void asking(Inode folder, ByteString name) {
    HostIdentity identity = folder.identity();
    Ahead before = ahead.getIfPresent(identity);
    if (before == null) {
      ahead.put(identity, new Ahead(List.of(name), false, host.nowNanos()));
    } else if (!before.paged() && good(identity).isEmpty()) {
      try {
        Optional<Lanes> lanes = host.link().now();
        if (lanes.isPresent()) {
          List<ByteString> names = List.of(before.names().getFirst(), name);
          Ahead asked = new Ahead(names, true, host.nowNanos());
          ahead.put(identity, asked);
          var _ =
              host.list(lanes.get(), folder.path())
                  .thenAccept(reply -> arrived(folder, asked, lanes.get(), reply));
        }
      } catch (ErrnoException tooLong) {
        ahead.invalidate(identity);
      }
    }
  }

  /**
   * The page that was asked for ahead has come. It is checked and made small at once, and not kept
   * if the folder was listed, or its listing found wrong, meanwhile. On an event loop.
   */
  private void arrived(Inode folder, Ahead asked, Lanes lanes, Reply reply) {
    closeRest(lanes, reply);
    HostIdentity identity = folder.identity();
    if (!ahead.asMap().remove(identity, asked)) {
      return;
    }
    try {
      FolderPage page = reply.getFolderPage();
      Seen listed = host.seen(page.getFolder(), asked.askedNanos());
      if (listed.attributes().identity().equals(identity)) {
        int depth = folder.path().size();
        List<Item> items = FolderPages.checked(host, depth, page, asked.askedNanos());
        // Nobody has listed this folder yet: a name it lacks may be younger than the page.
        Listing first = new Listing(items, listed.goodUntilNanos(), false, asked.names());
        listings.asMap().merge(identity, first, (known, _) -> isGood(known) ? known : first);
        if (page.getHandle() == 0) {
          MetadataCache.Writer kept = metadata.write(identity);
          var _ = kept.add(items);
          complete(folder, kept);
        }
      }
    } catch (ErrnoException lie) {
      log.debug("a page that came ahead is not kept", lie);
    }
  }

  /** All of a folder was listed. */
  private void complete(Inode folder, MetadataCache.Writer kept) {
    var _ = kept.complete();
    if (folder.path().isEmpty()) {
      metadata.keepRoot(folder.attributes());
    }
  }

  private void closeRest(Lanes lanes, Reply first) {
    long handle = first.getFolderPage().getHandle();
    if (handle != 0) {
      host.close(new Access(lanes, handle));
    }
  }

  /** A listing turned out to be wrong. */
  void drop(Inode folder) {
    folders.drop(folder.identity());
    listings.invalidate(folder.identity());
    ahead.invalidate(folder.identity());
  }

  /** Nothing is known any more. */
  void dropAll() {
    folders.dropAll();
    listings.invalidateAll();
    recalled.invalidateAll();
    ahead.invalidateAll();
  }

  /**
   * What is in a folder: as the host lists it or, while that is away, as it was kept. Does not
   * wait.
   */
  Pages pages(Inode folder) {
    return new Answered(folder);
  }

  /** A listing of the host's, which is kept once it was read to its end. */
  private final class Recording implements Pages {
    private final Inode folder;
    private final FolderPages pages;
    private final MetadataCache.Writer kept;
    private @Nullable List<Item> items = new ArrayList<>();
    private long goodUntilNanos = Long.MAX_VALUE;
    private boolean complete;

    private Recording(Inode folder) {
      this.folder = folder;
      this.pages = new FolderPages(host, folder);
      this.kept = metadata.write(folder.identity());
    }

    @Override
    public List<Item> next() throws ErrnoException, InterruptedException {
      List<Item> page = pages.next();
      add(page);
      if (pages.atEnd() && !complete) {
        complete = true;
        complete();
      }
      return page;
    }

    @Override
    public void close() {
      pages.close();
    }

    private void add(List<Item> page) {
      if (!page.isEmpty()) {
        var _ = kept.add(page);
      }
      if (items == null) {
        return;
      }
      items.addAll(page);
      for (Item item : page) {
        goodUntilNanos = Math.min(goodUntilNanos, item.seen().goodUntilNanos());
      }
      if (items.size() > mostListed()) {
        items = null;
      }
    }

    private void complete() {
      FolderListings.this.complete(folder, kept);
      if (items != null && !items.isEmpty()) {
        HostIdentity identity = folder.identity();
        Ahead asked = ahead.getIfPresent(identity);
        List<ByteString> before = asked == null ? List.of() : asked.names();
        listings.put(identity, new Listing(items, goodUntilNanos, true, before));
      }
      items = null;
    }
  }

  /** A listing that is here. */
  private static final class Ready implements Pages {
    private final List<Item> items;
    private int given;

    /** Links are looked at again: the folder may stand elsewhere by now. */
    private Ready(Listing listing, int depth) {
      this.items =
          listing.items().stream()
              .filter(item -> FolderPages.isShown(item.seen().attributes(), depth))
              .toList();
    }

    @Override
    public List<Item> next() {
      int from = given;
      given = Math.min(items.size(), from + Limits.PAGE_ENTRIES);
      return items.subList(from, given);
    }

    @Override
    public void close() {
      // Nothing is held for it.
    }
  }

  /** A listing as it was kept. */
  private final class Recalled implements Pages {
    private final Inode folder;
    private final MetadataCache.Reader kept;

    private Recalled(Inode folder) {
      this.folder = folder;
      this.kept = metadata.read(folder.identity());
    }

    @Override
    public List<Item> next() throws ErrnoException, InterruptedException {
      // Links are looked at again: the folder may stand elsewhere by now.
      int depth = folder.path().size();
      Optional<List<Kept>> part = kept.next();
      while (part.isPresent()) {
        List<Item> items =
            part.get().stream()
                .filter(entry -> FolderPages.isShown(entry.attributes(), depth))
                .map(entry -> new Item(entry.name(), old(entry.attributes())))
                .toList();
        if (!items.isEmpty()) {
          return items;
        }
        part = kept.next();
      }
      if (!kept.atEnd()) {
        throw new ErrnoException(Errno.EIO);
      }
      return List.of();
    }

    @Override
    public void close() {
      // Nothing is held for it.
    }
  }

  /** The host's listing, or the one that was kept: whichever can be had when the first page is. */
  private final class Answered implements Pages {
    private final Inode folder;
    private final Recording hosts;
    private @Nullable Pages source;

    private Answered(Inode folder) {
      this.folder = folder;
      this.hosts = new Recording(folder);
    }

    @Override
    public List<Item> next() throws ErrnoException, InterruptedException {
      return source == null ? first() : source.next();
    }

    private List<Item> first() throws ErrnoException, InterruptedException {
      Pages kept = new Recalled(folder);
      if (host.link().isOffline()) {
        try {
          return from(kept);
        } catch (ErrnoException none) {
          return from(hosts);
        }
      }
      folders.entered(folder, true);
      Optional<Listing> ready = folders.take(folder.identity());
      if (ready.isPresent()) {
        return from(new Ready(ready.get(), folder.path().size()));
      }
      try {
        return from(hosts);
      } catch (ErrnoException failed) {
        if (!host.hasGone(failed)) {
          throw failed;
        }
        return from(kept);
      }
    }

    private List<Item> from(Pages pages) throws ErrnoException, InterruptedException {
      List<Item> first = pages.next();
      source = pages;
      return first;
    }

    @Override
    public void close() {
      hosts.close();
    }
  }
}
