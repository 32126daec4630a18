package io.wormhole.daemon.mount;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.mount.Inode.Seen;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whole listings, kept as long as the attributes in them are good: a name that is looked up in a
 * folder just listed costs no round trip, whether it is there or not. Bounded by entries.
 */
final class FolderListings {
  private final HostCalls host;
  private final int maxEntries;
  private final Cache<HostIdentity, Listing> listings;

  private record Listing(Map<ByteString, Seen> entries, long goodUntilNanos) {}

  FolderListings(HostCalls host, MountSettings settings) {
    this.host = host;
    this.maxEntries = settings.cachedEntries();
    this.listings =
        Caffeine.newBuilder()
            .maximumWeight(maxEntries)
            .weigher((HostIdentity folder, Listing listing) -> 1 + listing.entries().size())
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
    return leftNanos <= 0
        ? Finding.UNKNOWN
        : new Finding(Duration.ofNanos(leftNanos), listing.entries().get(name));
  }

  /** A listing turned out to be wrong. */
  void drop(Inode folder) {
    listings.invalidate(folder.identity());
  }

  /** Collects a listing that is about to be read from its beginning. */
  Recording record(Inode folder) {
    return new Recording(folder);
  }

  /** A listing being read. Used by one thread at a time. */
  final class Recording {
    private final Inode folder;
    private @Nullable Map<ByteString, Seen> entries = new HashMap<>();
    private long goodUntilNanos = Long.MAX_VALUE;

    private Recording(Inode folder) {
      this.folder = folder;
    }

    void add(List<Item> page) {
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
      if (entries != null && !entries.isEmpty()) {
        listings.put(folder.identity(), new Listing(entries, goodUntilNanos));
      }
      entries = null;
    }
  }
}
