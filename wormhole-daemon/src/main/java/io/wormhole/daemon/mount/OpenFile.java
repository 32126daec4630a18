package io.wormhole.daemon.mount;

import io.wormhole.cache.ChunkLoadException;
import io.wormhole.cache.FileVersion;
import io.wormhole.cache.PendingChunk;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.mount.ChunkSource.ChangedException;
import io.wormhole.daemon.mount.ChunkSource.NotHereException;
import io.wormhole.daemon.mount.ChunkSource.Wanted;
import io.wormhole.daemon.mount.HostCalls.Opened;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.RemoteException;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.FailureCode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A file that is open. A read is cut at the borders of chunks, all of one version: when the host
 * says that the file has changed, the whole read starts again at the new version. A file that
 * changes faster than it can be read so is read past the cache, as it is at one moment of the
 * host's. When the lanes to the host are lost a read goes on over the next ones.
 */
final class OpenFile {
  /** A read that stands alone and is as short as this is not worth a whole chunk. */
  static final int SHORT_READ_BYTES = Limits.GROUP_BYTES;

  /** Reads that the host answered with a change, or lost, before the cache is gone past. */
  private static final int ATTEMPTS = 4;

  private final Inode inode;
  private final HostFile hostFile;
  private final HostCalls host;
  private final InodeTable inodes;
  private final ChunkSource chunks;

  /** Guarded by itself. */
  private final ReadAhead readAhead;

  /** For the first read only: after that the kernel holds them. */
  private volatile @Nullable OpeningBytes opening;

  /** Makes one that is not open at the host until it is opened, or what is read asks for it. */
  OpenFile(
      Inode inode, HostCalls host, InodeTable inodes, ChunkSource chunks, MountSettings settings) {
    this.inode = inode;
    this.hostFile = new HostFile(inode, host);
    this.host = host;
    this.inodes = inodes;
    this.chunks = chunks;
    this.readAhead =
        new ReadAhead(
            settings.readAheadChunks(), inode.name().filter(MediaContainer::isCalled).isPresent());
  }

  /**
   * Opens it at the host.
   *
   * @param bytesToo whether its first bytes should come at once, for the first read
   */
  void open(boolean bytesToo) throws ErrnoException, InterruptedException {
    long endNanos = host.endNanos();
    while (hostFile.atHand().isEmpty()) {
      try {
        opening = opened(bytesToo ? SHORT_READ_BYTES : 0, endNanos);
      } catch (LaneException lost) {
        // The next lanes are waited for.
      }
    }
  }

  private @Nullable OpeningBytes opened(int firstBytes, long endNanos)
      throws ErrnoException, LaneException, InterruptedException {
    Optional<Opened> opened = hostFile.open(firstBytes, endNanos);
    opened.ifPresent(now -> inodes.saw(inode, now.seen()));
    return opened.map(Opened::first).orElse(null);
  }

  Inode inode() {
    return inode;
  }

  HostFile hostFile() {
    return hostFile;
  }

  /**
   * Reads into the reply's own buffer.
   *
   * @return bytes read; fewer than wanted only at the end of the file
   */
  int read(long offset, MemorySegment destination) throws ErrnoException, InterruptedException {
    long endNanos = host.endNanos();
    int changes = 0;
    boolean near = true;
    ReadAhead.Step step = null;
    while (true) {
      try {
        HostAttributes file = freshAttributes(firstBytes(offset, destination), endNanos);
        long left = file.size() - offset;
        if (left <= 0) {
          return 0;
        }
        int wanted = (int) Math.min(left, destination.byteSize());
        VersionToken version = file.version().orElseThrow(() -> new ErrnoException(Errno.EINVAL));
        if (changes >= ATTEMPTS) {
          return readUncached(offset, destination, endNanos);
        }
        if (step == null) {
          step = step(offset, wanted, file.size());
        }
        readVersion(file, version, offset, destination.asSlice(0, wanted), step, near, endNanos);
        inodes.read(inode, version);
        return wanted;
      } catch (ChangedException changed) {
        if (changes >= ATTEMPTS) {
          throw host.failures()
              .toErrno(new WireException("a change where any version was asked for"));
        }
        saw(changed);
        changes++;
      } catch (LaneException lost) {
        // The next lanes are waited for.
      } catch (ChunkLoadException failed) {
        switch (failed.getCause()) {
          case ChangedException changed -> {
            saw(changed);
            changes++;
          }
          case RemoteException refused when isAnothersEnd(refused) -> changes++;
          case NotHereException elsewhere -> near = false;
          case LaneException lost -> {}
          case null, default -> throw host.failures().toErrno(failed);
        }
      } catch (IOException | TimeoutException failed) {
        throw host.failures().toErrno(failed);
      }
    }
  }

  private void saw(ChangedException changed) throws ErrnoException {
    inodes.saw(inode, host.of(inode, host.seen(changed.now(), host.nowNanos())));
  }

  /** A load begun by a reader who closed the file or gave up meanwhile says nothing about ours. */
  private static boolean isAnothersEnd(RemoteException refused) {
    return refused.code() == FailureCode.FAILURE_CODE_BAD_HANDLE
        || refused.code() == FailureCode.FAILURE_CODE_CANCELLED;
  }

  /** How many of the file's first bytes are worth having with its open. */
  private static int firstBytes(long offset, MemorySegment destination) {
    return offset + destination.byteSize() <= SHORT_READ_BYTES ? SHORT_READ_BYTES : 0;
  }

  private HostAttributes freshAttributes(int firstBytes, long endNanos)
      throws ErrnoException, LaneException, InterruptedException {
    if (isOld() && host.link().isOffline()) {
      return inode.attributes();
    }
    if (isOld() && hostFile.atHand().isEmpty()) {
      opening = opened(firstBytes, endNanos);
    }
    if (isOld()) {
      inodes.saw(inode, hostFile.attributes(endNanos));
    }
    return inode.attributes();
  }

  private boolean isOld() {
    return inode.seen().remainingNanos(host.nowNanos()) <= 0;
  }

  private ReadAhead.Step step(long offset, int bytes, long fileBytes) {
    synchronized (readAhead) {
      return readAhead.read(offset, bytes, fileBytes);
    }
  }

  private void readVersion(
      HostAttributes file,
      VersionToken version,
      long offset,
      MemorySegment destination,
      ReadAhead.Step step,
      boolean near,
      long endNanos)
      throws ErrnoException, IOException, TimeoutException, InterruptedException {
    FileVersion name = chunks.name(inode.identity(), version);
    long first = offset / Limits.CHUNK_BYTES;
    long last = (offset + destination.byteSize() - 1) / Limits.CHUNK_BYTES;
    // What may be here is looked for without the host, for once.
    boolean mayBeHere = near && mayHave(name, first, last);
    OpeningBytes atHand = opening;
    opening = null;
    int firstBytes = firstBytes(offset, destination);
    if (firstBytes > 0 && atHand == null && hostFile.atHand().isEmpty() && !mayBeHere) {
      atHand = opened(firstBytes, endNanos);
    }
    if (atHand != null && atHand.cover(version, offset, destination.byteSize())) {
      readAhead(hostFile.atHand(), name, step, file.size());
      chunks.copy(atHand, name, file, offset, destination);
      return;
    }
    if (step.alone()
        && destination.byteSize() <= SHORT_READ_BYTES
        && chunkBytes(file.size(), first) > SHORT_READ_BYTES
        && !mayBeHere) {
      Access access = hostFile.access(endNanos);
      readAhead(Optional.of(access), name, step, file.size());
      readRange(access, version, offset, destination, host.left(endNanos));
      return;
    }
    // A short read that stands alone is worth a whole chunk only if that is here.
    boolean alone = step.alone() && destination.byteSize() <= SHORT_READ_BYTES;
    Optional<Access> access =
        mayBeHere ? hostFile.atHand().filter(_ -> !alone) : Optional.of(hostFile.access(endNanos));
    List<PendingChunk> claims = new ArrayList<>((int) (last - first + 1));
    try {
      for (long index = first; index <= last; index++) {
        int bytes = chunkBytes(file.size(), index);
        Wanted wanted = wanted(index, bytes, offset, destination);
        claims.add(chunks.claim(access, name, index, bytes, wanted));
      }
      readAhead(access, name, step, file.size());
      for (int i = 0; i < claims.size(); i++) {
        long index = first + i;
        Wanted wanted = wanted(index, chunkBytes(file.size(), index), offset, destination);
        long at = index * Limits.CHUNK_BYTES + wanted.from() - offset;
        claims
            .get(i)
            .copy(wanted.from(), destination.asSlice(at, wanted.length()), host.left(endNanos));
      }
    } finally {
      claims.forEach(PendingChunk::abandon);
    }
  }

  private boolean mayHave(FileVersion name, long first, long last) {
    for (long index = first; index <= last; index++) {
      if (!chunks.mayHave(name, index)) {
        return false;
      }
    }
    return true;
  }

  /** What a read wants of one of its chunks. */
  private static Wanted wanted(long index, int bytes, long offset, MemorySegment destination) {
    long chunkAt = index * Limits.CHUNK_BYTES;
    return new Wanted(
        (int) Math.max(0, offset - chunkAt),
        (int) Math.min(bytes, offset + destination.byteSize() - chunkAt));
  }

  /**
   * @param from where to ask; where that is nowhere, only what may be here is fetched ahead
   */
  private void readAhead(
      Optional<Access> from, FileVersion name, ReadAhead.Step step, long fileBytes) {
    drop(name, step.drops());
    for (ReadAhead.Range range : List.of(step.fetch(), step.index())) {
      for (long index = range.from(); index < range.to(); index++) {
        chunks.prefetch(from, name, index, chunkBytes(fileBytes, index));
      }
    }
  }

  private void drop(FileVersion name, List<ReadAhead.Range> unwanted) {
    for (ReadAhead.Range range : unwanted) {
      for (long index = range.from(); index < range.to(); index++) {
        chunks.unwanted(name, index);
      }
    }
  }

  private void readRange(
      Access from, VersionToken version, long offset, MemorySegment destination, Duration left)
      throws IOException, TimeoutException, InterruptedException {
    int got = chunks.readUncached(from, Optional.of(version), offset, destination, left);
    if (got != destination.byteSize()) {
      throw new WireException(
          "%d bytes where the file has %d".formatted(got, destination.byteSize()));
    }
  }

  private static int chunkBytes(long fileBytes, long index) {
    return (int) Math.min(Limits.CHUNK_BYTES, fileBytes - index * Limits.CHUNK_BYTES);
  }

  private int readUncached(long offset, MemorySegment destination, long endNanos)
      throws ErrnoException, IOException, TimeoutException, InterruptedException {
    Access from = hostFile.access(endNanos);
    int read = 0;
    while (read < destination.byteSize()) {
      long piece = Math.min(Limits.CHUNK_BYTES, destination.byteSize() - read);
      int got =
          chunks.readUncached(
              from,
              Optional.empty(),
              offset + read,
              destination.asSlice(read, piece),
              host.left(endNanos));
      read += got;
      if (got < piece) {
        break;
      }
    }
    return read;
  }

  /** Gives the file back to the host. Does not wait. */
  void close() {
    List<ReadAhead.Range> unread;
    synchronized (readAhead) {
      unread = readAhead.close();
    }
    inode
        .attributes()
        .version()
        .map(version -> chunks.name(inode.identity(), version))
        .ifPresent(name -> drop(name, unread));
    hostFile.close();
  }
}
