package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.cache.Arrival;
import io.wormhole.cache.ChunkCache;
import io.wormhole.cache.ChunkKey;
import io.wormhole.cache.ChunkLoader;
import io.wormhole.cache.FileVersion;
import io.wormhole.cache.PendingChunk;
import io.wormhole.cache.PendingLoad;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.PendingRead;
import io.wormhole.daemon.transport.PendingRead.Answer;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.Priority;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Request;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The chunks of one share: from the cache that all mounts have in common, else over the bulk lane.
 */
final class ChunkSource {
  private final HostLink link;
  private final ChunkCache cache;
  private final Blake3 blake3;
  private final Duration deadline;
  private final double splitFromMillis;
  private final CachedShare share;

  /** The file is at another version than the one whose bytes were asked for. */
  static final class ChangedException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Attributes now;

    ChangedException(Attributes now) {
      super("the file has changed on the host");
      this.now = now;
    }

    Attributes now() {
      return now;
    }
  }

  /** Nobody was asked, and it is not here. */
  static final class NotHereException extends IOException {
    private static final long serialVersionUID = 1L;

    NotHereException() {
      super("it is neither in memory nor on this disk");
    }
  }

  /**
   * @param link is told of lanes on which a read was lost
   * @param blake3 checks what goes past the cache
   */
  ChunkSource(
      HostLink link, ChunkCache cache, CachedShare share, Blake3 blake3, MountSettings settings) {
    this.link = link;
    this.cache = cache;
    this.blake3 = blake3;
    this.deadline = settings.deadline();
    this.splitFromMillis = settings.longPath().toNanos() / 1e6;
    this.share = share;
  }

  /** How the cache names a version of a file of this share. */
  FileVersion name(HostIdentity file, VersionToken version) {
    return new FileVersion(
        share.high(), share.low(), file.inode(), file.generation(), version.high(), version.low());
  }

  /**
   * A claim to a chunk, which the caller settles.
   *
   * @param from where to ask for it; if that is nowhere it fails with a {@link NotHereException}
   *     unless it is here
   * @param bytes how long the chunk is at this version
   * @param wanted which of them the caller waits for: over a long path they come first
   */
  PendingChunk claim(
      Optional<Access> from, FileVersion file, long index, int bytes, Wanted wanted) {
    return cache.get(
        new ChunkKey(file, index), loader(from, bytes, wanted, Priority.PRIORITY_WAITING));
  }

  /**
   * Bytes of a chunk, the end not among them.
   *
   * @param from 0 or more
   * @param to past {@code from}, not past the chunk's end
   */
  record Wanted(int from, int to) {
    static Wanted all(int bytes) {
      return new Wanted(0, bytes);
    }

    /** As much as has chaining values of its own. */
    Wanted inGroups(int bytes) {
      int first = from / Limits.GROUP_BYTES;
      int end = (to + Limits.GROUP_BYTES - 1) / Limits.GROUP_BYTES;
      return new Wanted(first * Limits.GROUP_BYTES, Math.min(bytes, end * Limits.GROUP_BYTES));
    }

    int length() {
      return to - from;
    }
  }

  /** As {@link #claim}, for who waits with less haste than any program. */
  PendingChunk claimLater(Access from, FileVersion file, long index, int bytes) {
    ChunkLoader loader =
        new HostLoader(this, from, bytes, Wanted.all(bytes), Priority.PRIORITY_READ_AHEAD);
    return cache.get(new ChunkKey(file, index), loader);
  }

  /**
   * Asks for a chunk that nobody waits for yet; does nothing when there is no room for it.
   *
   * @param from where to ask for it; if that is nowhere it is looked for here
   */
  void prefetch(Optional<Access> from, FileVersion file, long index, int bytes) {
    if (from.isPresent() || mayHave(file, index)) {
      cache.prefetch(
          new ChunkKey(file, index),
          loader(from, bytes, Wanted.all(bytes), Priority.PRIORITY_READ_AHEAD));
    }
  }

  /**
   * Has a chunk that nobody waits for yet brought by this loader.
   *
   * @return false if there is no room for it
   */
  boolean prefetch(FileVersion file, long index, ChunkLoader loader) {
    return cache.prefetch(new ChunkKey(file, index), loader);
  }

  /** A chunk that was asked for ahead is not wanted any more. */
  void unwanted(FileVersion file, long index) {
    cache.cancelIfUnwanted(new ChunkKey(file, index));
  }

  private ChunkLoader loader(Optional<Access> from, int bytes, Wanted wanted, Priority priority) {
    return from.<ChunkLoader>map(access -> new HostLoader(this, access, bytes, wanted, priority))
        .orElseGet(() -> new NoLoader(bytes, !link.isOffline()));
  }

  /**
   * Of what is here or nowhere.
   *
   * @param hasWay whether the host can be asked instead
   */
  private record NoLoader(int bytes, boolean hasWay) implements ChunkLoader {
    @Override
    public int mostBytes() {
      return bytes;
    }

    @Override
    public PendingLoad load(ChunkKey key, MemorySegment slot) {
      return new NoLoad();
    }
  }

  private record HostLoader(
      ChunkSource chunks, Access from, int bytes, Wanted wanted, Priority priority)
      implements ChunkLoader {
    @Override
    public int mostBytes() {
      return bytes;
    }

    @Override
    public PendingLoad load(ChunkKey key, MemorySegment slot) {
      return chunks.load(this, key, ByteString.EMPTY, slot);
    }

    @Override
    public PendingLoad load(ChunkKey key, ChunkHash known, MemorySegment slot) {
      return chunks.load(this, key, ByteString.copyFrom(known.bytes()), slot);
    }
  }

  private PendingLoad load(HostLoader loader, ChunkKey key, ByteString known, MemorySegment slot) {
    Access from = loader.from();
    int bytes = loader.bytes();
    Wanted first = loader.wanted().inGroups(bytes);
    if (known.isEmpty() && first.length() < bytes && isLong(from)) {
      return new SplitLoad(
          bytes,
          first.from(),
          first.to(),
          (begin, end, priority) ->
              load(from, key, new Wanted(begin, end), priority, ByteString.EMPTY, slot));
    }
    return load(from, key, Wanted.all(bytes), loader.priority(), known, slot);
  }

  private boolean isLong(Access from) {
    return from.lanes().bulk().lane().path().rttMillis() >= splitFromMillis;
  }

  private PendingLoad load(
      Access from,
      ChunkKey key,
      Wanted range,
      Priority priority,
      ByteString known,
      MemorySegment slot) {
    ReadFile.Builder read =
        ReadFile.newBuilder()
            .setKnownHash(known)
            .setHandle(from.handle())
            .setVersion(new VersionToken(key.file().versionHigh(), key.file().versionLow()).token())
            .setOffset(key.index() * Limits.CHUNK_BYTES + range.from())
            .setLength(range.length());
    PendingRead pending =
        from.lanes()
            .bulk()
            .read(
                Request.newBuilder().setPriority(priority).setReadFile(read),
                slot.asSlice(range.from(), range.length()),
                deadline);
    CompletableFuture<Answer> answer =
        pending.answer().whenComplete((_, failure) -> report(from, failure));
    boolean isKnown = !known.isEmpty();
    return new Load(pending, answer.thenApply(come -> arrival(come, range.length(), isKnown)));
  }

  /** Before anybody hears of the failure, so that whoever tries again finds other lanes. */
  private void report(Access from, @Nullable Throwable failure) {
    if (failure instanceof LaneException lost) {
      link.lost(from.lanes(), lost);
    }
  }

  private static Arrival arrival(Answer answer, int bytes, boolean isKnown) {
    return switch (answer) {
      case Answer.Same(boolean young) -> {
        if (!isKnown) {
          throw new CompletionException(notAsked());
        }
        yield Arrival.known(bytes, young);
      }
      case Answer.Changed changed ->
          throw new CompletionException(new ChangedException(changed.now()));
      case Answer.Bytes(ChunkHeader header) -> {
        if (header.dataBytes() != bytes) {
          throw new CompletionException(
              new WireException(
                  "a chunk of %d bytes where the file has %d"
                      .formatted(header.dataBytes(), bytes)));
        }
        yield new Arrival(bytes, header.hash(), header.chainingValues(), header.young());
      }
    };
  }

  private static WireException notAsked() {
    return new WireException("the same as nothing");
  }

  private record Load(PendingRead pending, CompletableFuture<Arrival> arrival)
      implements PendingLoad {
    @Override
    public void hurry() {
      pending.hurry();
    }

    @Override
    public void cancel() {
      pending.cancel();
    }
  }

  /** There was nobody to ask. */
  private static final class NoLoad implements PendingLoad {
    @Override
    public CompletableFuture<Arrival> arrival() {
      return CompletableFuture.failedFuture(new NotHereException());
    }

    @Override
    public void cancel() {
      // It has failed.
    }
  }

  /** Whether a chunk may be had without asking the host; false is sure. */
  boolean mayHave(FileVersion file, long index) {
    return cache.mayHave(new ChunkKey(file, index), link.isOffline());
  }

  /**
   * Copies a range of what came with a file's open, once it is verified; what is all of the file is
   * kept.
   */
  void copy(
      OpeningBytes from,
      FileVersion name,
      HostAttributes file,
      long offset,
      MemorySegment destination)
      throws WireException {
    from.copy(offset, destination, blake3);
    if (from.isWhole(file.size()) && !file.young()) {
      cache.keep(new ChunkKey(name, 0), from.hash(), from.bytes());
    }
  }

  /**
   * Reads past the cache, in one read of the host.
   *
   * @param version which version's bytes; empty for whatever stands there now
   * @param destination at most 128 KiB; not written to once this has returned or thrown
   * @param left how long the host has
   * @return bytes read; fewer than wanted at the end of the file
   * @throws ChangedException if the file is at another version than the one asked for
   * @throws TimeoutException if the host did not answer in time
   */
  int readUncached(
      Access from,
      Optional<VersionToken> version,
      long offset,
      MemorySegment destination,
      Duration left)
      throws IOException, TimeoutException, InterruptedException {
    ReadFile.Builder read =
        ReadFile.newBuilder()
            .setHandle(from.handle())
            .setVersion(version.map(VersionToken::token).orElse(ByteString.EMPTY))
            .setOffset(offset)
            .setLength((int) destination.byteSize());
    PendingRead pending =
        from.lanes()
            .bulk()
            .read(
                Request.newBuilder().setPriority(Priority.PRIORITY_WAITING).setReadFile(read),
                destination,
                left);
    Answer answer;
    try {
      answer = waitOut(pending);
    } catch (LaneException lost) {
      report(from, lost);
      throw lost;
    }
    return switch (answer) {
      case Answer.Same _ -> throw notAsked();
      case Answer.Changed changed -> throw new ChangedException(changed.now());
      case Answer.Bytes(ChunkHeader header) -> {
        MemorySegment bytes = destination.asSlice(0, header.dataBytes());
        if (!blake3.verify(bytes, header.hash(), header.chainingValues()).isIntact()) {
          throw new WireException("bytes that do not match their hash");
        }
        yield header.dataBytes();
      }
    };
  }

  /**
   * Waits until the destination is the caller's again, which the read's own deadline bounds; an
   * interrupt hastens it and is thrown after.
   */
  private static Answer waitOut(PendingRead pending)
      throws IOException, TimeoutException, InterruptedException {
    boolean interrupted = false;
    while (true) {
      try {
        Answer answer = pending.answer().get();
        if (interrupted) {
          throw new InterruptedException();
        }
        return answer;
      } catch (InterruptedException asked) {
        interrupted = true;
        pending.cancel();
      } catch (ExecutionException failed) {
        if (interrupted) {
          throw new InterruptedException();
        }
        switch (failed.getCause()) {
          case TimeoutException late -> throw late;
          case IOException why -> throw why;
          case null, default -> throw new IOException(failed);
        }
      }
    }
  }
}
