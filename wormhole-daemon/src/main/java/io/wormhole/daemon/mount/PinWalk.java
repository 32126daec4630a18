package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.cache.ChunkException;
import io.wormhole.cache.ChunkKey;
import io.wormhole.cache.FileVersion;
import io.wormhole.cache.PendingChunk;
import io.wormhole.cache.PinnedChunks;
import io.wormhole.cache.ram.Chunk;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.ChunkSource.ChangedException;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.Inode.Link;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.hash.ChunkHash;
import io.wormhole.protocol.wire.Limits;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * One look of a pin at the file or folder of a share that it keeps, while the host is there: what
 * is new is fetched, and all of it is pinned on this disk, with the names and attributes that lead
 * to it. The kernel and the inodes that it knows have no part in this.
 *
 * <p>{@link #run} on a platform thread that is not interrupted; everything else by any.
 */
public final class PinWalk {
  private static final int FETCHERS = 4;
  private static final int MOST_WAITING = 64;

  /** Chunks of one file that are under way at once. */
  private static final int WINDOW = 4;

  private static final int BLOCK_BYTES = 4096;

  /** A tree that has more has no end. */
  private static final int MOST_ENTRIES = 4_000_000;

  private final HostCalls host;
  private final ChunkSource chunks;
  private final List<byte[]> path;
  private final MetadataCache metadata;
  private final @Nullable PinnedChunks disk;

  private final LongAdder files = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final LongAdder blockBytes = new LongAdder();
  private final LongAdder bytesKept = new LongAdder();
  private final LongAdder unsettled = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final AtomicReference<@Nullable String> trouble = new AtomicReference<>();
  private volatile boolean full;
  private volatile boolean over;
  private volatile boolean done;
  private int entries;

  /**
   * How far it is.
   *
   * @param files that were seen
   * @param bytes in those
   * @param blockBytes what they take of a disk
   * @param bytesKept bytes of files that are here
   * @param unsettled files that changed just now, or while they were fetched
   * @param failed files that could not be read
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
   * @param disk where it is pinned; null to look only
   */
  PinWalk(
      HostCalls host,
      ChunkSource chunks,
      MetadataCache metadata,
      List<byte[]> path,
      @Nullable PinnedChunks disk) {
    this.host = host;
    this.chunks = chunks;
    this.path = List.copyOf(path);
    this.metadata = metadata.keptBy(this::keep);
    this.disk = disk;
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

  /** Looks at everything; returns when it is over, whatever came of it. */
  public Figures run() {
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
      done = !over;
    } catch (ErrnoException failure) {
      trouble(text(path), failure);
    } catch (InterruptedException ends) {
      over = true;
      Thread.currentThread().interrupt();
    }
    if (disk != null && done && !over) {
      disk.complete();
    }
    return figures();
  }

  private void walk(ExecutorService fetchers) throws ErrnoException, InterruptedException {
    Seen root = host.attributesAt(List.of());
    metadata.keepRoot(root.attributes());
    Inode at = new Inode(KernelFileSystem.ROOT, root, null);
    for (int depth = 0; depth < path.size(); depth++) {
      if (at.type() != FileType.DIRECTORY) {
        throw new ErrnoException(Errno.ENOTDIR);
      }
      // What leads there is listed as well, or nobody would find it while the host is away.
      if (disk != null) {
        list(at, _ -> {});
      }
      byte[] name = path.get(depth);
      Seen seen = host.attributesAt(path.subList(0, depth + 1));
      metadata.keep(at.identity(), ByteString.copyFrom(name), seen.attributes());
      at = child(at, ByteString.copyFrom(name), seen);
    }
    Deque<Inode> folders = new ArrayDeque<>();
    visit(at, folders, fetchers);
    while (!folders.isEmpty() && !over) {
      Inode folder = folders.pop();
      try {
        list(folder, item -> visit(child(folder, item.name(), item.seen()), folders, fetchers));
      } catch (ErrnoException failure) {
        if (host.hasGone(failure)) {
          throw failure;
        }
        failed.increment();
        trouble(text(folder.path()), failure);
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
    void visit(Item item) throws ErrnoException;
  }

  private void list(Inode folder, Visitor visitor) throws ErrnoException, InterruptedException {
    Pages pages = new FolderPages(host, folder);
    try {
      MetadataCache.Writer kept = metadata.write(folder.identity());
      for (List<Item> page = pages.next(); !page.isEmpty() && !over; page = pages.next()) {
        if (disk != null) {
          kept.add(page).join();
        }
        for (Item item : page) {
          visitor.visit(item);
        }
      }
      if (disk != null && !over) {
        kept.complete().join();
      }
    } finally {
      pages.close();
    }
  }

  private void visit(Inode inode, Deque<Inode> folders, ExecutorService fetchers)
      throws ErrnoException {
    if (++entries > MOST_ENTRIES) {
      throw new ErrnoException(Errno.EIO);
    }
    if (inode.type() == FileType.DIRECTORY) {
      folders.push(inode);
    } else if (inode.type() == FileType.REGULAR) {
      visit(inode, fetchers);
    }
  }

  private void visit(Inode file, ExecutorService fetchers) {
    long size = file.attributes().size();
    files.increment();
    bytes.add(size);
    blockBytes.add(Math.ceilDiv(size, BLOCK_BYTES) * BLOCK_BYTES);
    PinnedChunks here = disk;
    Optional<VersionToken> version = file.attributes().version();
    if (here == null) {
      return;
    }
    if (version.isEmpty()) {
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
      long index = missing;
      while (index * Limits.CHUNK_BYTES < size) {
        if (over || full) {
          return;
        }
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
      if (failure.errno() == Errno.ESTALE || failure.errno() == Errno.ENOENT) {
        unsettled.increment();
      } else {
        if (host.hasGone(failure)) {
          over = true;
        }
        failed.increment();
        trouble(text(file.path()), failure);
      }
    } catch (InterruptedException ends) {
      over = true;
    } finally {
      open.close();
    }
  }

  private static long chunks(long size) {
    return Math.ceilDiv(size, (long) Limits.CHUNK_BYTES);
  }

  /** A chunk that was asked for. */
  private record Wanted(ChunkKey key, PendingChunk claim) {}

  /**
   * Fetches what is missing of a page.
   *
   * @return false if the file changes, or is too young to be kept
   */
  private boolean fetchPage(
      PinnedChunks here, HostFile open, FileVersion name, long from, long end, long size)
      throws ErrnoException, InterruptedException {
    Deque<Wanted> wanted = new ArrayDeque<>();
    boolean settled = true;
    long kept = 0;
    try {
      for (long index = from; index < end || !wanted.isEmpty(); index++) {
        if (over || full) {
          return true;
        }
        ChunkKey key = new ChunkKey(name, index);
        int length = (int) Math.min(Limits.CHUNK_BYTES, size - index * Limits.CHUNK_BYTES);
        if (index < end && here.hold(key)) {
          bytesKept.add(length);
          kept += length;
        } else if (index < end) {
          Access access = open.access(host.endNanos());
          wanted.add(new Wanted(key, chunks.claimLater(access, name, index, length)));
        }
        if (wanted.size() >= WINDOW || (index >= end && !wanted.isEmpty())) {
          long got = keep(here, wanted.remove());
          bytesKept.add(got);
          kept += got;
          settled &= got > 0 || full;
        }
      }
      settled &= full || here.holdWhole(new ChunkKey(name, from));
      return settled;
    } catch (ChangedException changed) {
      return false;
    } catch (LaneException lost) {
      over = true;
      return true;
    } catch (IOException failure) {
      throw host.failures().toErrno(failure);
    } catch (TimeoutException late) {
      throw host.failures().toErrno(late);
    } finally {
      wanted.forEach(each -> each.claim().abandon());
      if (!settled) {
        bytesKept.add(-kept);
      }
    }
  }

  /** How many bytes are kept of it; 0 if it is too young, or there is no room. */
  private long keep(PinnedChunks here, Wanted wanted)
      throws IOException, TimeoutException, InterruptedException {
    Chunk chunk;
    try {
      chunk = wanted.claim().await(host.left(host.endNanos()));
    } catch (ChunkException refused) {
      if (refused.getCause() instanceof IOException why) {
        throw why;
      }
      throw refused;
    }
    try {
      if (chunk.young()) {
        return 0;
      }
      full |= !here.put(wanted.key(), chunk.hash(), chunk.bytes());
      return full ? 0 : chunk.length();
    } finally {
      chunk.release();
    }
  }

  /** Pins names and attributes. */
  private void keep(ChunkKey key, ChunkHash hash, MemorySegment content) {
    PinnedChunks here = disk;
    if (here != null && (!here.put(key, hash, content) || !here.holdWhole(key))) {
      full = true;
    }
  }

  private void trouble(String what, ErrnoException failure) {
    trouble.compareAndSet(null, what + ": " + failure.errno());
  }

  private static String text(List<byte[]> names) {
    StringBuilder text = new StringBuilder();
    for (byte[] name : names) {
      text.append('/').append(new String(name, StandardCharsets.UTF_8));
    }
    return text.toString();
  }
}
