package io.wormhole.daemon.mount;

import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.KernelNotifier;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.protocol.hash.Blake3;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A share that was joined: the way to its host, and the file system that goes it. Any thread. */
public final class RemoteShare implements AutoCloseable {
  private final HostLink link;
  private final ChunkCache cache;
  private final CachedShare id;
  private final RemoteFileSystem fileSystem;

  private RemoteShare(
      HostLink link, ChunkCache cache, CachedShare id, RemoteFileSystem fileSystem) {
    this.link = link;
    this.cache = cache;
    this.id = id;
    this.fileSystem = fileSystem;
  }

  /** What is kept of a share on this machine: enough to show it while its host is away. */
  public static final class Kept {
    private final ChunkCache cache;
    private final Blake3 blake3;
    private final CachedShare share;
    private final HostAttributes root;

    private Kept(ChunkCache cache, Blake3 blake3, CachedShare share, HostAttributes root) {
      this.cache = cache;
      this.blake3 = blake3;
      this.share = share;
      this.root = root;
    }
  }

  /**
   * Looks for what is kept of a share: its root must have been listed, or there would be nothing to
   * show. Waits for the disk, but not long.
   */
  public static Optional<Kept> kept(ChunkCache cache, Blake3 blake3, CachedShare share)
      throws InterruptedException {
    MetadataCache metadata = new MetadataCache(cache, share, blake3);
    Optional<HostAttributes> root = metadata.root();
    return root.isPresent() && metadata.read(root.get().identity()).next().isPresent()
        ? Optional.of(new Kept(cache, blake3, share, root.get()))
        : Optional.empty();
  }

  /**
   * A share as it was seen last, until its host is there.
   *
   * @param link this owns it
   */
  public static RemoteShare open(
      Kept kept, HostLink link, MountSettings settings, Owner owner, LongSupplier tickerNanos) {
    RemoteFileSystem fileSystem =
        RemoteFileSystem.recalled(
            kept.root,
            new HostCalls(link, settings, tickerNanos),
            new ChunkSource(link, kept.cache, kept.share, kept.blake3, settings),
            new MetadataCache(kept.cache, kept.share, kept.blake3),
            settings,
            owner);
    return new RemoteShare(link, kept.cache, kept.share, fileSystem).dropWhenNotAdmitted();
  }

  /**
   * Waits for the root of a share.
   *
   * @param root asked on the first lanes of the link
   * @param link this owns it if it returns, and not if it throws
   * @param cache what all mounts have in common
   * @throws ErrnoException if the host does not answer with a folder
   */
  public static RemoteShare open(
      RootQuestion root,
      HostLink link,
      ChunkCache cache,
      Blake3 blake3,
      CachedShare id,
      MountSettings settings,
      Owner owner,
      LongSupplier tickerNanos)
      throws ErrnoException, InterruptedException {
    RemoteFileSystem fileSystem =
        RemoteFileSystem.open(
            root,
            new HostCalls(link, settings, tickerNanos),
            new ChunkSource(link, cache, id, blake3, settings),
            new MetadataCache(cache, id, blake3),
            settings,
            owner);
    link.now()
        .ifPresent(lanes ->
            new FirstExchanges(List.of(lanes.control(), lanes.bulk()), tickerNanos).next());
    return new RemoteShare(link, cache, id, fileSystem).dropWhenNotAdmitted();
  }

  private RemoteShare dropWhenNotAdmitted() {
    var _ = link.notAdmitted().thenRunAsync(this::dropAll);
    return this;
  }

  public KernelFileSystem fileSystem() {
    return fileSystem;
  }

  /** Lets the kernel be told of what turns out not to be so. */
  public void notifyThrough(KernelNotifier kernel) {
    fileSystem.notifyThrough(kernel);
  }

  /**
   * A look of a pin at what stands at a path of the share.
   *
   * @param path names from the root down
   * @param disk null to look only
   */
  public PinWalk pin(List<byte[]> path, PinWalk.@Nullable Disk disk) {
    return fileSystem.pin(path, disk);
  }

  public HostLink link() {
    return link;
  }

  /** Says goodbye to the host, and keeps no chunk of the share that no other mount can want. */
  @Override
  public void close() {
    link.close();
    dropChunks();
  }

  /** What was read with a right that we have no more is not shown from here either. */
  private void dropAll() {
    fileSystem.forget();
    dropChunks();
  }

  private void dropChunks() {
    cache.invalidate(file -> file.shareHigh() == id.high() && file.shareLow() == id.low());
  }
}
