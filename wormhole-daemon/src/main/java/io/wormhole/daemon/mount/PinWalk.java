package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.cache.ChunkException;
import io.wormhole.cache.ChunkKey;
import io.wormhole.cache.ChunkLoadException;
import io.wormhole.cache.FileVersion;
import io.wormhole.cache.PendingChunk;
import io.wormhole.cache.PinnedChunks;
import io.wormhole.cache.ram.Chunk;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.ChunkSource.ChangedException;
import io.wormhole.daemon.mount.ChunkSource.NotHereException;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.Inode.Link;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.wire.Limits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One look of a pin at the file or folder of a share that it keeps, while the host is there: what
 * is new is fetched, and all of it is pinned on this disk, with the names and attributes that lead
 * to it. The kernel and the inodes that it knows have no part in this.
 *
 * <p>{@link #run} on a platform thread that is not interrupted; everything else by any.
 */
public final class PinWalk {
  private static final Logger log = LoggerFactory.getLogger(PinWalk.class);
  private static final int FETCHERS = 4;
  private static final int MOST_WAITING = 64;

  /** Chunks of one file that are under way at once. */
  private static final int WINDOW = 4;

  private static final int BLOCK_BYTES = 4096;

  /** A tree that has more has no end. */
  private static final int MOST_ENTRIES = 4_000_000;

  /** Folders that were seen and not looked into yet. */
  private static final int MOST_FOLDERS = 100_000;

  /** More than the largest cache: what has more is not counted on. */
  private static final long MOST_BYTES = 1L << 47;

  /** What is kept of a file beside its bytes, by and large. */
  private static final int NAME_BYTES = 256;

  private static final int PAGE_BYTES = 16 << 10;

  private final HostCalls host;
  private final ChunkSource chunks;
  private final List<byte[]> path;
  private final MetadataCache metadata;
  private final @Nullable PinnedChunks disk;
  private final @Nullable PinnedChunks way;

  private final LongAdder files = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final LongAdder blockBytes = new LongAdder();
  private final LongAdder bytesKept = new LongAdder();
  private final LongAdder unsettled = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final AtomicReference<@Nullable String> trouble = new AtomicReference<>();
  private volatile boolean full;

  /** Something is there that could not be looked at. */
  private volatile boolean missed;

  private volatile boolean over;
  private volatile boolean done;
  private final CountDownLatch ended = new CountDownLatch(1);
  private int entries;

  /**
   * How far it is.
   *
   * @param files that were seen
   * @param bytes in those
   * @param blockBytes what they take of a disk, and what is kept beside them
   * @param bytesKept bytes of files that are here
   * @param unsettled files and folders that changed just now, or while they were looked at
   * @param failed files and folders that could not be read
   * @param full whether some were left out for want of room
   * @param isWhole whether all was seen
   * @param trouble the first failure, for a person; null where there was none
   */
  public record Figures(
      long files,
      long bytes,
      long blockBytes,
      long bytesKept,
      long unsettled,
      long failed,
      boolean full,
      boolean isWhole,
      @Nullable String trouble) {}

  /**
   * Where it is pinned.
   *
   * @param pinned what is pinned itself
   * @param way names and folders that lead there, which are all pins' of a share
   */
  public record Disk(PinnedChunks pinned, PinnedChunks way) {}

  /** Of no tree of a person's. */
  private static final class EndlessException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String why;

    EndlessException(String why) {
      super(why);
      this.why = why;
    }
  }

  /**
   * @param disk null to look only
   */
  PinWalk(
      HostCalls host,
      ChunkSource chunks,
      MetadataCache metadata,
      List<byte[]> path,
      @Nullable Disk disk) {
    this.host = host;
    this.chunks = chunks;
    this.path = List.copyOf(path);
    this.metadata = metadata;
    this.disk = disk == null ? null : disk.pinned();
    this.way = disk == null ? null : disk.way();
  }

  /** How far it is. */
  public Figures figures() {
    return new Figures(
        files.sum(),
        bytes.sum(),
        blockBytes.sum(),
        bytesKept.sum(),
        unsettled.sum(),
        failed.sum(),
        full,
        done,
        trouble.get());
  }

  /** Has it end soon, where it is. */
  public void stop() {
    over = true;
  }

  /** Waits until {@link #run} is over, but no longer than so. */
  public void awaitEnd(Duration limit) throws InterruptedException {
    boolean _ = ended.await(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Looks at everything; returns when it is over, whatever came of it. */
  public Figures run() {
    try {
      return look();
    } finally {
      ended.countDown();
    }
  }

  private Figures look() {
    try (ExecutorService fetchers =
        new ThreadPoolExecutor(
            FETCHERS,
            FETCHERS,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MOST_WAITING),
            Thread.ofPlatform().daemon().name("pin-", 0).factory(),
            new ThreadPoolExecutor.CallerRunsPolicy())) {
      walk(fetchers);
    } catch (ErrnoException failure) {
      end(text(path) + ": " + failure.errno());
    } catch (EndlessException endless) {
      end(endless.why);
    } catch (InterruptedException ends) {
      over = true;
      Thread.currentThread().interrupt();
    }
    PinnedChunks here = disk;
    if (here != null && here.wasRefused()) {
      end("the disk refuses; the daemon's log says why");
    }
    done = !over;
    if (here != null && done && !missed) {
      here.complete();
    }
    return figures();
  }

  private void walk(ExecutorService fetchers)
      throws ErrnoException, EndlessException, InterruptedException {
    Seen root = host.attributesAt(List.of());
    MetadataCache leading = metadata.keptBy(keeper(way));
    leading.keepRoot(root.attributes());
    Inode at = new Inode(KernelFileSystem.ROOT, root, null);
    for (int depth = 0; depth < path.size(); depth++) {
      if (at.type() != FileType.DIRECTORY) {
        throw new ErrnoException(Errno.ENOTDIR);
      }
      // What leads there is listed as well, or nobody would find it while the host is away.
      if (way != null) {
        list(at, leading, _ -> {});
      }
      byte[] name = path.get(depth);
      Seen seen = host.attributesAt(path.subList(0, depth + 1));
      leading.keep(at.identity(), ByteString.copyFrom(name), seen.attributes());
      at = child(at, ByteString.copyFrom(name), seen);
    }
    MetadataCache within = metadata.keptBy(keeper(disk));
    Deque<Inode> folders = new ArrayDeque<>();
    visit(at, folders, fetchers);
    while (!folders.isEmpty() && !over) {
      Inode folder = folders.pop();
      try {
        list(
            folder,
            within,
            item -> visit(child(folder, item.name(), item.seen()), folders, fetchers));
      } catch (ErrnoException failure) {
        failed(folder, failure);
      }
    }
  }

  /** The walk ends where it is. */
  private void end(String why) {
    trouble.compareAndSet(null, why);
    over = true;
  }

  /** A file or folder cannot be read. */
  private void failed(Inode inode, ErrnoException failure) {
    switch (failure.errno()) {
      case ENOENT, ENOTDIR, ESTALE -> unsettled.increment();
      case EACCES -> {
        failed.increment();
        trouble.compareAndSet(null, text(inode.path()) + ": " + failure.errno());
      }
      default -> {
        // It may be there, and be the way to it that failed.
        missed = true;
        failed.increment();
        trouble.compareAndSet(null, text(inode.path()) + ": " + failure.errno());
        if (host.hasGone(failure)) {
          over = true;
        }
      }
    }
  }

  private static Inode child(Inode folder, ByteString name, Seen seen) {
    // Of no node: the kernel does not know it by this walk.
    return new Inode(0, seen, new Link(folder, name.toByteArray()));
  }

  /** Takes an entry of a folder. */
  @FunctionalInterface
  private interface Visitor {
    void visit(Item item) throws EndlessException;
  }

  private void list(Inode folder, MetadataCache into, Visitor visitor)
      throws ErrnoException, EndlessException, InterruptedException {
    Pages pages = new FolderPages(host, folder);
    try {
      MetadataCache.Writer kept = into.write(folder.identity());
      for (List<Item> page = pages.next(); !page.isEmpty() && !over; page = pages.next()) {
        if (disk != null) {
          var _ = kept.add(page);
        }
        for (Item item : page) {
          visitor.visit(item);
        }
      }
      if (disk != null && !over) {
        var _ = kept.complete();
      }
    } finally {
      pages.close();
    }
  }

  private void visit(Inode inode, Deque<Inode> folders, ExecutorService fetchers)
      throws EndlessException {
    if (++entries > MOST_ENTRIES || folders.size() > MOST_FOLDERS) {
      throw new EndlessException("it has more files and folders than can be looked at");
    }
    blockBytes.add(NAME_BYTES);
    if (inode.type() == FileType.DIRECTORY) {
      folders.push(inode);
      blockBytes.add(BLOCK_BYTES);
    } else if (inode.type() == FileType.REGULAR) {
      visit(inode, fetchers);
    }
  }

  private void visit(Inode file, ExecutorService fetchers) throws EndlessException {
    long size = file.attributes().size();
    if (size < 0 || size > MOST_BYTES - bytes.sum()) {
      throw new EndlessException("it has more bytes than any cache keeps");
    }
    files.increment();
    bytes.add(size);
    blockBytes.add(Math.ceilDiv(size, BLOCK_BYTES) * BLOCK_BYTES);
    if (size >= Limits.CHUNK_BYTES) {
      blockBytes.add(Math.ceilDiv(chunks(size), PinnedChunks.PAGE_CHUNKS) * PAGE_BYTES);
    }
    PinnedChunks here = disk;
    Optional<VersionToken> version = file.attributes().version();
    if (here == null) {
      return;
    }
    if (version.isEmpty() || file.attributes().young()) {
      unsettled.increment();
      return;
    }
    FileVersion name = chunks.name(file.identity(), version.get());
    long missing = firstMissing(here, name, size, 0);
    bytesKept.add(Math.min(size, missing * Limits.CHUNK_BYTES));
    if (missing * Limits.CHUNK_BYTES < size && !over) {
      fetchers.execute(() -> fetch(here, file, name, missing));
    }
  }

  /** The first chunk, from the beginning of a page on, of one that is not known to be whole. */
  private static long firstMissing(PinnedChunks here, FileVersion name, long size, long from) {
    long index = from;
    while (index * Limits.CHUNK_BYTES < size && here.isWhole(new ChunkKey(name, index))) {
      index += PinnedChunks.PAGE_CHUNKS;
    }
    return index;
  }

  /** On a fetcher's thread. */
  private void fetch(PinnedChunks here, Inode file, FileVersion name, long missing) {
    HostFile open = new HostFile(file, host);
    long size = file.attributes().size();
    try {
      for (long index = missing; index * Limits.CHUNK_BYTES < size && !over; ) {
        long end = Math.min(index + PinnedChunks.PAGE_CHUNKS, chunks(size));
        if (!fetchPage(here, open, name, index, end, size)) {
          unsettled.increment();
          return;
        }
        long next = firstMissing(here, name, size, end);
        bytesKept.add(
            Math.min(size, next * Limits.CHUNK_BYTES) - Math.min(size, end * Limits.CHUNK_BYTES));
        index = next;
      }
    } catch (ErrnoException failure) {
      failed(file, failure);
    } catch (InterruptedException ends) {
      over = true;
    } catch (RuntimeException | Error bug) {
      log.error("{} could not be pinned", text(file.path()), bug);
      end("the daemon's log says why");
    } finally {
      open.close();
    }
  }

  private static long chunks(long size) {
    return Math.ceilDiv(size, (long) Limits.CHUNK_BYTES);
  }

  /**
   * A chunk that was asked for.
   *
   * @param again claims it anew
   */
  private record Wanted(ChunkKey key, PendingChunk claim, Supplier<PendingChunk> again) {}

  /**
   * Fetches what is missing of a page, as long as there is room, and pins what is here of it.
   *
   * @return false if the file changes, or is too young to be kept
   */
  private boolean fetchPage(
      PinnedChunks here, HostFile open, FileVersion name, long from, long end, long size)
      throws ErrnoException, InterruptedException {
    Deque<Wanted> wanted = new ArrayDeque<>();
    boolean settled = true;
    try {
      for (long index = from; (index < end || !wanted.isEmpty()) && !over; index++) {
        ChunkKey key = new ChunkKey(name, index);
        int length = (int) Math.min(Limits.CHUNK_BYTES, size - index * Limits.CHUNK_BYTES);
        if (index < end && here.hold(key)) {
          bytesKept.add(length);
        } else if (index < end && !full) {
          Access access = open.access(host.endNanos());
          long at = index;
          Supplier<PendingChunk> claim = () -> chunks.claimLater(access, name, at, length);
          wanted.add(new Wanted(key, claim.get(), claim));
        }
        if (!wanted.isEmpty() && (wanted.size() >= WINDOW || index >= end)) {
          settled &= keep(here, wanted.remove());
        }
      }
    } catch (ChangedException changed) {
      settled = false;
    } catch (LaneException lost) {
      end("the connection to the host was lost");
    } catch (IOException failure) {
      throw host.failures().toErrno(failure);
    } catch (TimeoutException late) {
      throw host.failures().toErrno(late);
    } finally {
      wanted.forEach(each -> each.claim().abandon());
      boolean _ = here.holdPage(new ChunkKey(name, from), (int) (end - from));
      if (here.wasRefused()) {
        over = true;
      }
    }
    return settled;
  }

  /** False if it is too young. */
  private boolean keep(PinnedChunks here, Wanted wanted)
      throws IOException, TimeoutException, InterruptedException {
    Chunk chunk;
    try {
      chunk = await(wanted);
    } catch (ChunkException refused) {
      if (refused.getCause() instanceof IOException why) {
        throw why;
      }
      throw refused;
    }
    try {
      if (chunk.young()) {
        return false;
      }
      if (here.put(wanted.key(), chunk.hash(), chunk.bytes())) {
        bytesKept.add(chunk.length());
      } else {
        full = true;
      }
      return true;
    } finally {
      chunk.release();
    }
  }

  private Chunk await(Wanted wanted) throws IOException, TimeoutException, InterruptedException {
    try {
      return wanted.claim().await(host.left(host.endNanos()));
    } catch (ChunkLoadException failed) {
      if (failed.getCause() instanceof NotHereException) {
        // It was somebody else's wish, who asked for it ahead and did not get it.
        return wanted.again().get().await(host.left(host.endNanos()));
      }
      throw failed;
    }
  }

  /** Pins names and attributes. */
  private MetadataCache.Keeper keeper(@Nullable PinnedChunks here) {
    return (key, hash, content) -> {
      if (here != null && !here.putName(key, hash, content)) {
        full = true;
      }
    };
  }

  private static String text(List<byte[]> names) {
    StringBuilder text = new StringBuilder();
    for (byte[] name : names) {
      text.append('/').append(new String(name, StandardCharsets.UTF_8));
    }
    return text.toString();
  }
}
