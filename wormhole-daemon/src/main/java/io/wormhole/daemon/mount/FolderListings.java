package io.wormhole.daemon.mount;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.Reply;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
 * what is not: only who has read a listing expects it to hold for a while.
 */
final class FolderListings {
  private static final Logger log = LoggerFactory.getLogger(FolderListings.class);

  /** Folders in which a name was asked for of late. */
  private static final int MAX_FOLDERS_WATCHED = 256;

  private static final Duration LONG_AGO = Duration.ofDays(3650);

  private final HostCalls host;
  private final int maxEntries;
  private final Cache<HostIdentity, Listing> listings;

  private final Cache<HostIdentity, Ahead> ahead;
  private final MetadataCache metadata;

  /**
   * @param whole whether a name that is not in it is known not to be in the folder
   */
  private record Listing(Map<ByteString, Seen> entries, long goodUntilNanos, boolean whole) {}

  /**
   * A folder in which a name was asked for.
   *
   * @param paged whether its first page was asked for as well, which is so from the second name on
   */
  private record Ahead(boolean paged, long askedNanos) {}

  FolderListings(HostCalls host, MetadataCache metadata, MountSettings settings) {
    this.host = host;
    this.metadata = metadata;
    this.maxEntries = settings.cachedEntries();
    this.listings =
        Caffeine.newBuilder()
            .maximumWeight(maxEntries)
            .weigher((HostIdentity folder, Listing listing) -> 1 + listing.entries().size())
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
   * @param goodFor how long a good listing of the folder is good yet; zero when there is none
   * @param seen what stands under the name; null when the folder holds no such name, or is not
   *     known
   */
  record Finding(Duration goodFor, @Nullable Seen seen) {
    private static final Finding UNKNOWN = new Finding(Duration.ZERO, null);

    boolean isAbsent() {
      return seen == null && goodFor.isPositive();
    }
  }

  /** Looks for a name in a good listing of its folder. */
  Finding find(Inode folder, ByteString name) {
    Listing listing = listings.getIfPresent(folder.identity());
    if (listing == null) {
      return Finding.UNKNOWN;
    }
    long leftNanos = listing.goodUntilNanos() - host.nowNanos();
    Seen seen = listing.entries().get(name);
    return leftNanos <= 0 || (seen == null && !listing.whole())
        ? Finding.UNKNOWN
        : new Finding(Duration.ofNanos(leftNanos), seen);
  }

  /**
   * Looks for a name in what is kept of its folder, while the host is away. Waits for the disk.
   *
   * @return attributes that are good for no time at all
   */
  Finding recall(Inode folder, ByteString name) throws InterruptedException {
    HostIdentity identity = folder.identity();
    Optional<Seen> named = metadata.named(identity, name).map(this::old);
    Listing listing = listings.getIfPresent(identity);
    if (listing == null || !listing.whole()) {
      listing = recalled(identity).orElse(listing);
    }
    if (listing == null) {
      return named.map(seen -> new Finding(Duration.ZERO, seen)).orElse(Finding.UNKNOWN);
    }
    Seen listed = listing.entries().get(name);
    if (listed == null) {
      return listing.whole() ? new Finding(Duration.ofNanos(1), null) : Finding.UNKNOWN;
    }
    boolean isNewer =
        named.isPresent() && named.get().attributes().isNewerThan(listed.attributes());
    return new Finding(Duration.ZERO, isNewer ? named.get() : listed);
  }

  /**
   * All that is kept of a folder, if it was once listed. Waits for the disk. Links are looked at
   * again: the folder may stand elsewhere by now.
   */
  Optional<List<Item>> recalled(Inode folder) throws InterruptedException {
    int depth = folder.path().size();
    return recalled(folder.identity())
        .map(listing ->
            items(listing).stream()
                .filter(item -> FolderPages.isShown(item.seen().attributes(), depth))
                .toList());
  }

  private Optional<Listing> recalled(HostIdentity folder) throws InterruptedException {
    Optional<Map<ByteString, HostAttributes>> kept = metadata.listing(folder);
    if (kept.isEmpty()) {
      return Optional.empty();
    }
    Map<ByteString, Seen> entries = new LinkedHashMap<>();
    kept.get().forEach((name, attributes) -> entries.put(name, old(attributes)));
    Listing listing = new Listing(entries, host.nowNanos(), true);
    // Names are looked up one after the other: the disk is asked once for them all.
    listings.put(folder, listing);
    return Optional.of(listing);
  }

  /** Older than whatever was heard of the host since this mount began. */
  private Seen old(HostAttributes attributes) {
    return new Seen(attributes, host.nowNanos() - LONG_AGO.toNanos());
  }

  /** A name is about to be asked for: of the second one on, the folder is too. Does not wait. */
  void asking(Inode folder) {
    HostIdentity identity = folder.identity();
    Ahead before = ahead.getIfPresent(identity);
    if (before == null) {
      ahead.put(identity, new Ahead(false, host.nowNanos()));
    } else if (!before.paged() && listings.getIfPresent(identity) == null) {
      try {
        Optional<Lanes> lanes = host.link().now();
        if (lanes.isPresent()) {
          Ahead asked = new Ahead(true, host.nowNanos());
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
      Listing listing = listing(folder, reply.getFolderPage(), asked);
      if (listing != null) {
        listings.asMap().putIfAbsent(identity, listing);
        if (reply.getFolderPage().getHandle() == 0) {
          MetadataCache.Writer kept = metadata.write(identity);
          var _ = kept.add(items(listing));
          var _ = kept.complete();
        }
      }
    } catch (ErrnoException lie) {
      log.debug("a page that came ahead is not kept", lie);
    }
  }

  private static List<Item> items(Listing listing) {
    return listing.entries().entrySet().stream()
        .map(entry -> new Item(entry.getKey(), entry.getValue()))
        .toList();
  }

  private @Nullable Listing listing(Inode folder, FolderPage page, Ahead asked)
      throws ErrnoException {
    Seen listed = host.seen(page.getFolder(), asked.askedNanos());
    if (!listed.attributes().identity().equals(folder.identity())) {
      return null;
    }
    Map<ByteString, Seen> entries = new LinkedHashMap<>();
    for (Item item : FolderPages.checked(host, folder, page, asked.askedNanos())) {
      entries.put(item.name(), item.seen());
    }
    // Nobody has listed this folder yet: a name it lacks may be younger than the page.
    return new Listing(entries, listed.goodUntilNanos(), false);
  }

  private void closeRest(Lanes lanes, Reply first) {
    long handle = first.getFolderPage().getHandle();
    if (handle != 0) {
      host.close(new Access(lanes, handle));
    }
  }

  /** A listing turned out to be wrong. */
  void drop(Inode folder) {
    listings.invalidate(folder.identity());
    ahead.invalidate(folder.identity());
  }

  /** Nothing is known any more. */
  void dropAll() {
    listings.invalidateAll();
    ahead.invalidateAll();
  }

  /** Collects a listing that is about to be read from its beginning. */
  Recording record(Inode folder) {
    return new Recording(folder);
  }

  /** A listing being read. Used by one thread at a time. */
  final class Recording {
    private final Inode folder;
    private final MetadataCache.Writer kept;
    private @Nullable Map<ByteString, Seen> entries = new HashMap<>();
    private long goodUntilNanos = Long.MAX_VALUE;

    private Recording(Inode folder) {
      this.folder = folder;
      this.kept = metadata.write(folder.identity());
    }

    void add(List<Item> page) {
      var _ = kept.add(page);
      if (entries == null) {
        return;
      }
      for (Item item : page) {
        entries.put(item.name(), item.seen());
        goodUntilNanos = Math.min(goodUntilNanos, item.seen().goodUntilNanos());
      }
      if (entries.size() > maxEntries / 4) {
        entries = null;
      }
    }

    void complete() {
      var _ = kept.complete();
      if (entries != null && !entries.isEmpty()) {
        listings.put(folder.identity(), new Listing(entries, goodUntilNanos, true));
      }
      entries = null;
    }
  }
}
