package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.cache.Arrival;
import io.wormhole.cache.ChunkKey;
import io.wormhole.cache.ChunkLoader;
import io.wormhole.cache.PendingLoad;
import io.wormhole.daemon.mount.ChunkSource.NotHereException;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.Pending;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.SmallFile;
import io.wormhole.protocol.wire.message.WholeFile;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Small files that are asked for together: each is a chunk of its own in the cache, and whoever
 * wants one before it has come waits for its chunk as for any other. Those the host leaves out, and
 * all of them when it does not answer, fail as what is not here: who wants one asks by himself.
 *
 * <p>Filled, closed and sent by one thread; the loads it gives out are used by any.
 */
final class SmallFileBatch {
  private final List<SmallFile> wanted = new ArrayList<>();
  private final List<Load> loads = new ArrayList<>();

  /** Files that may still be added, those that were among them. */
  private int files;

  private int bytes;
  private int unwanted;

  /** Null until it is sent. */
  private @Nullable Pending<Reply> asked;

  private boolean closed;

  /** Whether there is room for one more file. */
  synchronized boolean admits(int fileBytes) {
    return files == 0
        || (files < Limits.SMALL_FILES && bytes + fileBytes <= Limits.SMALL_FILES_BYTES);
  }

  /** Bytes of the files in it, or that may come into it. */
  synchronized int bytes() {
    return bytes;
  }

  /**
   * What puts a file into this batch, if that is not closed before the cache wants it.
   *
   * @param length of the file, 1 to 131,072
   */
  synchronized ChunkLoader loader(ByteString name, VersionToken version, int length) {
    files++;
    bytes += length;
    return new ChunkLoader() {
      @Override
      public int mostBytes() {
        return length;
      }

      @Override
      public PendingLoad load(ChunkKey key, MemorySegment destination) {
        return add(name, version, destination.asSlice(0, length));
      }
    };
  }

  private synchronized PendingLoad add(
      ByteString name, VersionToken version, MemorySegment destination) {
    Load load = new Load(destination);
    if (closed) {
      load.arrival.completeExceptionally(new NotHereException());
      return load;
    }
    int length = (int) destination.byteSize();
    wanted.add(
        SmallFile.newBuilder().setName(name).setVersion(version.token()).setLength(length).build());
    loads.add(load);
    return load;
  }

  /** What is in it; nothing is added from now on. */
  synchronized List<SmallFile> close() {
    closed = true;
    return wanted;
  }

  /** It cannot be asked for. */
  void abandon() {
    loads.forEach(load -> load.fail(new NotHereException()));
  }

  /** What is in it was asked for. */
  void sent(Pending<Reply> request) {
    synchronized (this) {
      asked = request;
    }
    if (loads.stream().anyMatch(load -> load.hurried)) {
      request.hurry();
    }
    cancelIfUnwanted();
    var _ =
        request
            .answer()
            .whenComplete((reply, failed) -> {
              if (reply != null) {
                arrived(reply);
              } else {
                loads.forEach(load -> load.fail(failed));
              }
            });
  }

  /** The request goes when nobody wants any of its files. */
  private void cancelIfUnwanted() {
    Pending<Reply> request;
    synchronized (this) {
      request = unwanted == loads.size() ? asked : null;
    }
    if (request != null) {
      request.cancel();
    }
  }

  private synchronized @Nullable Pending<Reply> asked() {
    return asked;
  }

  private void arrived(Reply reply) {
    List<WholeFile> files = reply.getSmallFiles().getFilesList();
    for (int i = 0; i < loads.size(); i++) {
      loads.get(i).arrived(i < files.size() ? files.get(i) : WholeFile.getDefaultInstance());
    }
  }

  private final class Load implements PendingLoad {
    private final MemorySegment destination;
    private final CompletableFuture<Arrival> arrival = new CompletableFuture<>();
    private volatile boolean hurried;

    /** Under this load's lock. */
    private boolean ended;

    private Load(MemorySegment destination) {
      this.destination = destination;
    }

    @Override
    public CompletableFuture<Arrival> arrival() {
      return arrival;
    }

    @Override
    public void hurry() {
      hurried = true;
      Pending<Reply> request = asked();
      if (request != null) {
        request.hurry();
      }
    }

    @Override
    public void cancel() {
      if (!end()) {
        return;
      }
      arrival.completeExceptionally(new NotHereException());
      synchronized (SmallFileBatch.this) {
        unwanted++;
      }
      cancelIfUnwanted();
    }

    /** Whether it had not ended before: from then on the destination is not written to. */
    private synchronized boolean end() {
      boolean first = !ended;
      ended = true;
      return first;
    }

    /** On an event loop; copies some kilobytes. */
    private void arrived(WholeFile file) {
      Throwable failure = null;
      if (file.getHash().isEmpty()) {
        failure = new NotHereException();
      } else if (file.getData().size() != destination.byteSize()) {
        failure =
            new WireException(
                "a file of %d bytes where it has %d"
                    .formatted(file.getData().size(), destination.byteSize()));
      }
      synchronized (this) {
        if (ended) {
          return;
        }
        ended = true;
        if (failure == null) {
          destination.asByteBuffer().put(file.getData().asReadOnlyByteBuffer());
        }
      }
      if (failure != null) {
        arrival.completeExceptionally(failure);
      } else {
        arrival.complete(
            new Arrival(
                file.getData().size(),
                file.getHash().toByteArray(),
                file.getChainingValues().toByteArray(),
                file.getYoung()));
      }
    }

    private void fail(Throwable why) {
      if (!end()) {
        return;
      }
      Throwable cause =
          why instanceof CompletionException && why.getCause() != null ? why.getCause() : why;
      arrival.completeExceptionally(
          cause instanceof LaneException ? cause : new NotHereException());
    }
  }
}
