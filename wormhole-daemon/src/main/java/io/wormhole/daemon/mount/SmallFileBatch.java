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
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Small files that are asked for together: each is a chunk of its own in the cache, and whoever
 * wants one before it has come waits for its chunk as for any other. Those the host leaves out, and
 * all of them when it does not answer, fail as what is not here: their readers ask by themselves.
 *
 * <p>Filled, closed and sent by one thread; the loads it gives out are used by any.
 */
final class SmallFileBatch {
  private final List<SmallFile> wanted = new ArrayList<>();
  private final List<Load> loads = new ArrayList<>();
  private final AtomicInteger unwanted = new AtomicInteger();
  private int bytes;

  /** Null until it is sent. */
  private volatile @Nullable Pending<Reply> asked;

  private boolean closed;

  /** Whether there is room for one more file. */
  boolean admits(int fileBytes) {
    return loads.isEmpty()
        || (loads.size() < Limits.SMALL_FILES && bytes + fileBytes <= Limits.SMALL_FILES_BYTES);
  }

  boolean isEmpty() {
    return loads.isEmpty();
  }

  /** Bytes of the files in it. */
  int bytes() {
    return bytes;
  }

  /**
   * What puts a file into this batch, if that is not closed before the cache wants it.
   *
   * @param length of the file, 1 to 131,072
   */
  ChunkLoader loader(ByteString name, VersionToken version, int length) {
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
    bytes += length;
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
    asked = request;
    loads.stream().filter(load -> load.hurried).findAny().ifPresent(_ -> request.hurry());
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
      Pending<Reply> request = asked;
      if (request != null) {
        request.hurry();
      }
    }

    /** The request goes when nobody wants any of its files. */
    @Override
    public void cancel() {
      Pending<Reply> request = asked;
      if (unwanted.incrementAndGet() >= loads.size() && request != null) {
        request.cancel();
      }
    }

    /** On an event loop; copies some kilobytes. */
    private void arrived(WholeFile file) {
      if (file.getHash().isEmpty()) {
        arrival.completeExceptionally(new NotHereException());
      } else if (file.getData().size() != destination.byteSize()) {
        arrival.completeExceptionally(
            new WireException(
                "a file of %d bytes where it has %d"
                    .formatted(file.getData().size(), destination.byteSize())));
      } else {
        destination.asByteBuffer().put(file.getData().asReadOnlyByteBuffer());
        arrival.complete(
            new Arrival(
                file.getData().size(),
                file.getHash().toByteArray(),
                file.getChainingValues().toByteArray(),
                file.getYoung()));
      }
    }

    private void fail(Throwable why) {
      Throwable cause =
          why instanceof CompletionException && why.getCause() != null ? why.getCause() : why;
      arrival.completeExceptionally(
          cause instanceof LaneException ? cause : new NotHereException());
    }
  }
}
