package io.wormhole.daemon.mount;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import io.wormhole.cache.FileVersion;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.SmallFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Small files, fetched ahead of whoever reads through a folder: many to a request, and none of them
 * opened. What comes is kept as any chunk is. Any thread; nothing here waits.
 */
final class FilesAhead {
  /** What may be asked for and not read yet, of one folder: at first, and at most. */
  private static final long FIRST_WINDOW_BYTES = 64 << 10;

  private static final long MOST_AHEAD_BYTES = 3 << 20;

  /** A file costs its bytes, and this: each takes a slot of the cache until it has come. */
  private static final long FILE_COST_BYTES = 8 << 10;

  /**
   * A request is sent once it asks for so many bytes. Fewer would cost more calls; of more, the
   * first file would wait for the last one.
   */
  private static final int BATCH_BYTES = 64 << 10;

  /** Files of all folders that are being read through. */
  private static final int MOST_WALKED = 100_000;

  /** Folders that are begun before their first file is wanted. */
  private static final int MOST_FOLDERS_BEGUN = 64;

  private final HostCalls host;
  private final ChunkSource chunks;
  private final FolderListings listings;
  private final Cache<HostIdentity, WalkedEntries> walked;
  private final long lifeNanos;
  private volatile @Nullable Walk last;

  /** How the folder that was read through last was, and when. */
  private record Walk(WalkOrder.Pace pace, long nanos) {}

  FilesAhead(HostCalls host, ChunkSource chunks, MountSettings settings, FolderListings listings) {
    this.host = host;
    this.chunks = chunks;
    this.listings = listings;
    this.lifeNanos = settings.attributeLife().toNanos();
    this.walked =
        Caffeine.newBuilder()
            .maximumWeight(MOST_WALKED)
            .weigher((HostIdentity folder, WalkedEntries entries) -> 1 + entries.size())
            .ticker(host::nowNanos)
            .expireAfterAccess(settings.attributeLife().multipliedBy(2))
            .executor(Runnable::run)
            .build();
  }

  /** A file is about to be read from its beginning. */
  void reading(Inode file) {
    Inode folder = file.parent();
    Optional<ByteString> name = file.name().map(ByteString::copyFrom);
    if (name.isEmpty() || !isSmall(file.attributes())) {
      return;
    }
    Optional<Listing> listing = listings.recent(folder.identity());
    Optional<Lanes> lanes = host.link().now();
    if (listing.isEmpty() || lanes.isEmpty() || host.link().isOffline()) {
      return;
    }
    WalkedEntries entries = walked(folder.identity(), listing.get(), name.get());
    WalkedEntries.Step step = entries.wanted(name.get());
    for (ByteString dropped : step.drop()) {
      named(listing.get(), dropped).ifPresent(version -> chunks.unwanted(version, 0));
    }
    fetch(lanes.get(), folder.path(), listing.get(), entries, step.fetch());
    WalkOrder.Pace pace = entries.pace();
    if (pace != null && step.inOrder()) {
      listings.folders().renewSoon(folder, listing.get());
      last = new Walk(pace, host.nowNanos());
    }
    if (step.spare() > 0) {
      beginNext(lanes.get(), folder, step.spare());
    }
  }

  /** All of a folder was asked for: the ones that will be read next are begun. */
  private void beginNext(Lanes lanes, Inode folder, long spare) {
    Inode around = folder.parent();
    Optional<Listing> siblings = listings.recent(around.identity());
    Optional<ByteString> name = folder.name().map(ByteString::copyFrom);
    long left = spare;
    for (int i = 0; i < MOST_FOLDERS_BEGUN && left > 0 && siblings.isPresent(); i++) {
      name = name.flatMap(before -> listings.folders().after(around, before));
      Optional<HostIdentity> next =
          name.map(siblings.get()::find).map(seen -> seen.attributes().identity());
      Optional<Listing> listing = next.flatMap(listings::recent);
      if (name.isEmpty() || next.isEmpty() || listing.isEmpty()) {
        return;
      }
      List<byte[]> path = new ArrayList<>(around.path());
      path.add(name.get().toByteArray());
      WalkedEntries entries = walked(next.get(), listing.get(), null);
      WalkedEntries.Begun begun = entries.begin(left);
      fetch(lanes, path, listing.get(), entries, begun.fetch());
      if (!begun.whole()) {
        return;
      }
      left -= begun.ahead();
    }
  }

  /**
   * @param name one of the names in it; null to take what there is
   */
  private WalkedEntries walked(HostIdentity folder, Listing listing, @Nullable ByteString name) {
    WalkedEntries before = walked.getIfPresent(folder);
    if (before != null && (name == null || before.knows(name) || before.isOf(listing))) {
      return before;
    }
    WalkedEntries entries =
        new WalkedEntries(
            listing, FilesAhead::isSmall, FilesAhead::cost, FIRST_WINDOW_BYTES, MOST_AHEAD_BYTES);
    Walk walk = last;
    if (walk != null && host.nowNanos() - walk.nanos() < lifeNanos) {
      entries.expect(walk.pace());
    }
    walked.put(folder, entries);
    return entries;
  }

  private static long cost(HostAttributes file) {
    return FILE_COST_BYTES + file.size();
  }

  private static boolean isSmall(HostAttributes file) {
    return file.type() == FileType.REGULAR
        && file.version().isPresent()
        && file.size() > 0
        && file.size() <= Limits.CHUNK_BYTES;
  }

  private Optional<FileVersion> named(Listing listing, ByteString name) {
    return Optional.ofNullable(listing.find(name))
        .map(Seen::attributes)
        .filter(FilesAhead::isSmall)
        .flatMap(file -> file.version().map(version -> chunks.name(file.identity(), version)));
  }

  private void fetch(
      Lanes lanes,
      List<byte[]> path,
      Listing listing,
      WalkedEntries entries,
      List<ByteString> names) {
    SmallFileBatch batch = new SmallFileBatch();
    try {
      for (int i = 0; i < names.size(); i++) {
        ByteString name = names.get(i);
        Seen seen = listing.find(name);
        Optional<FileVersion> version = named(listing, name);
        if (seen == null || version.isEmpty()) {
          continue;
        }
        int bytes = (int) seen.attributes().size();
        if (batch.bytes() >= BATCH_BYTES || !batch.admits(bytes)) {
          send(lanes, path, batch);
          batch = new SmallFileBatch();
        }
        if (!prefetch(version.get(), name, seen.attributes(), batch)) {
          entries.notAsked(names.subList(i, names.size()));
          return;
        }
      }
    } finally {
      send(lanes, path, batch);
    }
  }

  /** False if there is no room for it. */
  private boolean prefetch(
      FileVersion version, ByteString name, HostAttributes file, SmallFileBatch batch) {
    int bytes = (int) file.size();
    if (chunks.mayHave(version, 0)) {
      chunks.prefetch(Optional.empty(), version, 0, bytes);
      return true;
    }
    return chunks.prefetch(version, 0, batch.loader(name, file.version().orElseThrow(), bytes));
  }

  private void send(Lanes lanes, List<byte[]> folder, SmallFileBatch batch) {
    List<SmallFile> files = batch.close();
    if (files.isEmpty()) {
      return;
    }
    try {
      batch.sent(host.smallFiles(lanes, folder, files));
    } catch (ErrnoException tooLong) {
      batch.abandon();
    }
  }
}
