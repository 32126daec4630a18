package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.cache.ChunkCache;
import io.wormhole.cache.ChunkKey;
import io.wormhole.cache.FileVersion;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import io.wormhole.protocol.name.EntryName;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the host last said of a share's folders and names, on this machine's disk: for when it is
 * away. It stands among the chunks, within their bound and checked like them, so that any of it may
 * be gone at any time; what is not changed is not written again.
 *
 * <p>A listing is cut into segments, each with the hash of the one before, so that parts of two
 * listings are never taken for one. Any thread.
 */
final class MetadataCache {
  private static final Logger log = LoggerFactory.getLogger(MetadataCache.class);

  /** Where a file has its version. */
  private static final long LISTING = 0x4C495354_494E4721L;

  private static final long NAME = 0x4E414D45_44212121L;

  /** No file of a host has the inode number 0. */
  private static final HostIdentity ABOVE_ROOT = new HostIdentity(0, 0);

  /** An entry of no name that is asked for. */
  private static final byte[] FORGOTTEN =
      FolderEntry.newBuilder().setName(ByteString.copyFromUtf8("/")).build().toByteArray();

  /**
   * A segment is full once it has so many bytes. An entry adds 5 KiB at the most: it fits a small
   * slot of the disk's, and is read soon where one name of it is looked for.
   */
  private static final int SEGMENT_BYTES = 11 << 10;

  private static final int MAX_SEGMENTS = 8192;

  /** Pages of the host's that wait to be written; a listing that comes faster is not kept. */
  private static final int MAX_BEHIND = 64;

  private static final int HEADER_BYTES = Long.BYTES + 1;
  private static final byte LAST = 1;

  private final ChunkCache cache;
  private final CachedShare share;
  private final Blake3 blake3;
  private final Keeper keeper;
  private final Executor behind;

  /** Takes what is to be kept. */
  @FunctionalInterface
  interface Keeper {
    /** Keeps it; bytes that are looked at later are copied. */
    void keep(ChunkKey key, ChunkHash hash, MemorySegment bytes);
  }

  MetadataCache(ChunkCache cache, CachedShare share, Blake3 blake3) {
    this(cache, share, blake3, cache::keep, ForkJoinPool.commonPool());
  }

  private MetadataCache(
      ChunkCache cache, CachedShare share, Blake3 blake3, Keeper keeper, Executor behind) {
    this.cache = cache;
    this.share = share;
    this.blake3 = blake3;
    this.keeper = keeper;
    this.behind = behind;
  }

  /** The same, but that what is to be kept is somebody else's to keep, who waits for it. */
  MetadataCache keptBy(Keeper other) {
    return new MetadataCache(cache, share, blake3, other, Runnable::run);
  }

  /** Keeps what the root of the share is. Does not wait. */
  void keepRoot(HostAttributes root) {
    keep(ABOVE_ROOT, ByteString.EMPTY, root);
  }

  /** What the root of the share was. Waits for the disk, but not long. */
  Optional<HostAttributes> root() throws InterruptedException {
    return named(ABOVE_ROOT, ByteString.EMPTY);
  }

  /** Has the share not be shown from what is kept. Does not wait. */
  void forgetRoot() {
    var _ = keep(nameKey(ABOVE_ROOT, ByteString.EMPTY), FORGOTTEN);
  }

  /** Keeps what stands under a name. Does not wait. */
  void keep(HostIdentity folder, ByteString name, HostAttributes attributes) {
    byte[] entry = entry(name, attributes).toByteArray();
    var _ = keep(nameKey(folder, name), entry);
  }

  /** What stood under a name when it was last asked for. Waits for the disk, but not long. */
  Optional<HostAttributes> named(HostIdentity folder, ByteString name) throws InterruptedException {
    Optional<byte[]> found = cache.recall(nameKey(folder, name));
    if (found.isEmpty()) {
      return Optional.empty();
    }
    try {
      FolderEntry entry = FolderEntry.parseFrom(found.get());
      return entry.getName().equals(name)
          ? Optional.of(HostAttributes.of(entry.getAttributes()))
          : Optional.empty();
    } catch (InvalidProtocolBufferException | WireException unknown) {
      log.debug("what is kept of a name is not understood", unknown);
      return Optional.empty();
    }
  }

  /** Keeps the listing of a folder, from its beginning. */
  Writer write(HostIdentity folder) {
    return new Writer(folder);
  }

  /** A listing being kept, behind whoever reads it. Used by one thread at a time. */
  final class Writer {
    private final HostIdentity folder;
    private final AtomicInteger waiting = new AtomicInteger();
    private CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
    private boolean abandoned;

    // Of the steps behind, which run one after the other.
    private FolderPage.Builder segment = FolderPage.newBuilder();
    private int bytes;
    private int written;
    private long previous;

    private Writer(HostIdentity folder) {
      this.folder = folder;
    }

    /** Completes when so many are kept as fill a segment. */
    CompletableFuture<Void> add(List<Item> items) {
      abandoned = abandoned || waiting.get() >= MAX_BEHIND;
      if (!abandoned) {
        waiting.incrementAndGet();
        done = done.thenRunAsync(() -> append(items), behind);
      }
      return done;
    }

    /** All of it has been added; a listing without this is none. Completes when it is kept. */
    CompletableFuture<Void> complete() {
      if (abandoned) {
        return done;
      }
      done =
          done.thenRunAsync(() -> flush(LAST), behind)
              .whenComplete((_, bug) -> {
                if (bug != null) {
                  log.error("A listing could not be kept", bug);
                }
              });
      return done;
    }

    private void append(List<Item> items) {
      for (Item item : items) {
        FolderEntry entry = entry(item.name(), item.seen().attributes());
        segment.addEntries(entry);
        bytes += entry.getSerializedSize();
        if (bytes >= SEGMENT_BYTES) {
          flush((byte) 0);
        }
      }
      waiting.decrementAndGet();
    }

    private void flush(byte flags) {
      if (written < MAX_SEGMENTS) {
        byte[] page = segment.build().toByteArray();
        byte[] content =
            ByteBuffer.allocate(HEADER_BYTES + page.length)
                .putLong(previous)
                .put(flags)
                .put(page)
                .array();
        previous = keep(segmentKey(folder, written), content);
        written++;
      }
      segment = FolderPage.newBuilder();
      bytes = 0;
    }
  }

  /** What is kept of a name. */
  record Kept(ByteString name, HostAttributes attributes) {}

  /** Reads the listing of a folder as it was kept, from its beginning. */
  Reader read(HostIdentity folder) {
    return new Reader(folder);
  }

  /** A listing that was kept, in the host's order. Used by one thread at a time. */
  final class Reader {
    private final HostIdentity folder;
    private int index;
    private long lastSegment;
    private boolean atEnd;

    private Reader(HostIdentity folder) {
      this.folder = folder;
    }

    /** Whether all of the listing has been given. */
    boolean atEnd() {
      return atEnd;
    }

    /**
     * The next entries, some hundreds. Waits for the disk, but not long.
     *
     * @return empty if there are no more, or those that follow are not kept any more
     */
    Optional<List<Kept>> next() throws InterruptedException {
      if (atEnd || index == MAX_SEGMENTS) {
        return Optional.empty();
      }
      Optional<byte[]> content = cache.recall(segmentKey(folder, index));
      Optional<Segment> segment = content.flatMap(MetadataCache::segment);
      if (segment.isEmpty() || segment.get().previous() != lastSegment) {
        return Optional.empty();
      }
      atEnd = segment.get().isLast();
      lastSegment = firstBytes(hash(content.get()));
      index++;
      return Optional.of(segment.get().entries());
    }

    /** What tells the segment given last from others of the same number. */
    long lastSegment() {
      return lastSegment;
    }
  }

  /**
   * The entries of a segment that a reader has given before. Waits for the disk, but not long.
   *
   * @param told what its reader said of it
   * @return empty if it is not kept any more
   */
  Optional<List<Kept>> segment(HostIdentity folder, int index, long told)
      throws InterruptedException {
    return cache
        .recall(segmentKey(folder, index))
        .filter(content -> firstBytes(hash(content)) == told)
        .flatMap(MetadataCache::segment)
        .map(Segment::entries);
  }

  private record Segment(long previous, boolean isLast, List<Kept> entries) {}

  private static Optional<Segment> segment(byte[] kept) {
    if (kept.length < HEADER_BYTES) {
      return Optional.empty();
    }
    ByteBuffer content = ByteBuffer.wrap(kept);
    long previous = content.getLong();
    boolean isLast = content.get() == LAST;
    return entries(content).map(entries -> new Segment(previous, isLast, entries));
  }

  private static Optional<List<Kept>> entries(ByteBuffer page) {
    try {
      List<Kept> entries = new ArrayList<>();
      for (FolderEntry entry : FolderPage.parseFrom(page).getEntriesList()) {
        if (!EntryName.isValid(entry.getName())) {
          return Optional.empty();
        }
        entries.add(new Kept(entry.getName(), HostAttributes.of(entry.getAttributes())));
      }
      return Optional.of(entries);
    } catch (InvalidProtocolBufferException | WireException unknown) {
      log.debug("what is kept of a listing is not understood", unknown);
      return Optional.empty();
    }
  }

  private static FolderEntry entry(ByteString name, HostAttributes attributes) {
    return FolderEntry.newBuilder().setName(name).setAttributes(attributes.sent()).build();
  }

  /** The first bytes of its hash. */
  private long keep(ChunkKey key, byte[] content) {
    ChunkHash hash = hash(content);
    keeper.keep(key, hash, MemorySegment.ofArray(content));
    return firstBytes(hash);
  }

  private ChunkHash hash(byte[] content) {
    return blake3.hash(MemorySegment.ofArray(content)).hash();
  }

  private static long firstBytes(ChunkHash hash) {
    return ByteBuffer.wrap(hash.bytes()).getLong();
  }

  private ChunkKey nameKey(HostIdentity folder, ByteString name) {
    return key(folder, NAME, firstBytes(hash(name.toByteArray())));
  }

  private ChunkKey segmentKey(HostIdentity folder, int index) {
    return key(folder, LISTING, index);
  }

  private ChunkKey key(HostIdentity folder, long what, long which) {
    return new ChunkKey(
        new FileVersion(
            share.high(), share.low(), folder.inode(), folder.generation(), what, which),
        0);
  }
}
