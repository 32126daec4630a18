package io.wormhole.daemon.mount;

import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.PathFigures;
import io.wormhole.daemon.transport.Requests;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.ShareId;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/** A share that was joined: its two lanes, and the file system they carry. Any thread. */
public final class RemoteShare implements AutoCloseable {
  private final Requests control;
  private final Requests bulk;
  private final ChunkCache cache;
  private final ShareId id;
  private final RemoteFileSystem fileSystem;

  private RemoteShare(
      Requests control, Requests bulk, ChunkCache cache, ShareId id, RemoteFileSystem fileSystem) {
    this.control = control;
    this.bulk = bulk;
    this.cache = cache;
    this.id = id;
    this.fileSystem = fileSystem;
  }

  /**
   * Asks for the root of a share.
   *
   * @param control requests on the control lane; this owns the lane if it returns, and not if it
   *     throws
   * @param bulk likewise, on the bulk lane
   * @param cache what all mounts have in common
   * @throws ErrnoException if the host does not answer with a folder
   */
  public static RemoteShare open(
      Requests control,
      Requests bulk,
      ChunkCache cache,
      Blake3 blake3,
      ShareId id,
      MountSettings settings,
      Owner owner,
      LongSupplier tickerNanos)
      throws ErrnoException, InterruptedException {
    RemoteFileSystem fileSystem =
        RemoteFileSystem.open(
            new HostCalls(control, settings, tickerNanos),
            new ChunkSource(cache, bulk, id, blake3, settings),
            settings,
            owner);
    new FirstExchanges(List.of(control, bulk), tickerNanos).next();
    return new RemoteShare(control, bulk, cache, id, fileSystem);
  }

  public KernelFileSystem fileSystem() {
    return fileSystem;
  }

  /** The path to the host; what came over it is the bulk lane's. */
  public PathFigures path() {
    return control.lane().path();
  }

  /** Bytes of the bulk lane, from the host, since it was made. */
  public long bytesReceived() {
    return bulk.lane().path().bytesReceived();
  }

  /** Why the host cannot be asked any more; empty while it can. */
  public Optional<LaneException> lost() {
    CompletableFuture<LaneException> either =
        control.lane().closed().isDone() ? control.lane().closed() : bulk.lane().closed();
    return Optional.ofNullable(either.getNow(null));
  }

  /** Says goodbye to the host, and keeps no chunk of the share that no other mount can want. */
  @Override
  public void close() {
    control.lane().close(CloseReason.DONE);
    bulk.lane().close(CloseReason.DONE);
    cache.invalidate(file -> file.shareHigh() == id.high() && file.shareLow() == id.low());
  }
}
