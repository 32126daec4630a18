package io.wormhole.daemon;

import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.Joining.Admitted;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.mount.CachedShare;
import io.wormhole.daemon.mount.HostLink;
import io.wormhole.daemon.mount.MountSettings;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.daemon.mount.RemoteShare;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.join.Invitation;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From an invitation, or a host that is known, to a share that can be mounted: over lanes to its
 * host or, while that is away, from what is kept of it on disk. Any thread.
 */
final class ShareOpener {
  private static final Logger log = LoggerFactory.getLogger(ShareOpener.class);

  /** A host that is there answers sooner, most of the time; who comes later is joined later. */
  private static final Duration SOON = Duration.ofMillis(1500);

  private final Joining joining;
  private final ChunkCache cache;
  private final Blake3 blake3;
  private final Owner owner;
  private final ScheduledExecutorService timer;
  private final LongSupplier tickerNanos;

  ShareOpener(
      Joining joining,
      ChunkCache cache,
      Blake3 blake3,
      Owner owner,
      ScheduledExecutorService timer,
      LongSupplier tickerNanos) {
    this.joining = joining;
    this.cache = cache;
    this.blake3 = blake3;
    this.owner = owner;
    this.timer = timer;
    this.tickerNanos = tickerNanos;
  }

  /**
   * Which share of which host.
   *
   * @param name what the host calls it
   */
  record Source(Fingerprint host, ShareId share, String name) {}

  /** A share on its way to be mounted: its lanes are closed with this unless it is. */
  static final class Opened implements AutoCloseable {
    private final Source source;
    private final RemoteShare remote;
    private boolean mounted;

    private Opened(Source source, RemoteShare remote) {
      this.source = source;
      this.remote = remote;
    }

    Source source() {
      return source;
    }

    RemoteShare remote() {
      return remote;
    }

    /** Somebody else closes it from now on. */
    void handOver() {
      mounted = true;
    }

    @Override
    public void close() {
      if (!mounted) {
        remote.link().close();
      }
    }
  }

  /** Opens a share for the first time. */
  Opened open(Invitation invitation, @Nullable String peer)
      throws ControlException, InterruptedException {
    return open(joining.join(invitation, peer));
  }

  /**
   * Opens a share again. Where something is kept of it, its host is not waited for much longer than
   * one that is there takes.
   */
  Opened open(KnownHost known, @Nullable String peer)
      throws ControlException, InterruptedException {
    try {
      return open(joining.comeBack(known, peer, SOON));
    } catch (ControlException away) {
      boolean silent = away.kind() == ErrorKind.TIMED_OUT;
      if (!silent && away.kind() != ErrorKind.UNREACHABLE) {
        throw away;
      }
      // Who says where the host is wants to hear that it is not there.
      Optional<RemoteShare.Kept> kept =
          peer == null
              ? RemoteShare.kept(cache, blake3, CachedShare.of(known.host(), known.share()))
              : Optional.empty();
      if (kept.isPresent()) {
        return open(known, kept.get(), silent ? "the host does not answer" : away.getMessage());
      }
      if (!silent) {
        throw away;
      }
    }
    return open(joining.comeBack(known, peer, Joining.PATIENCE));
  }

  private Opened open(KnownHost known, RemoteShare.Kept kept, @Nullable String trouble) {
    log.info("{} is shown as it was seen last: {}", known.shareName(), trouble);
    HostLink link =
        HostLink.away(
            urgent -> joining.rejoin(known.host(), known.share(), urgent),
            timer,
            tickerNanos,
            trouble);
    return new Opened(
        new Source(known.host(), known.share(), known.shareName()),
        RemoteShare.open(kept, link, MountSettings.DEFAULTS, owner, tickerNanos));
  }

  private Opened open(Admitted admitted) throws ControlException, InterruptedException {
    Source source =
        new Source(
            admitted.joined().host(), admitted.joined().share(), admitted.joined().shareName());
    HostLink link =
        new HostLink(
            admitted.lanes(),
            urgent -> joining.rejoin(source.host(), source.share(), urgent),
            timer,
            tickerNanos);
    boolean opened = false;
    try {
      RemoteShare remote =
          RemoteShare.open(
              admitted.root(),
              link,
              cache,
              blake3,
              CachedShare.of(source.host(), source.share()),
              MountSettings.DEFAULTS,
              owner,
              tickerNanos);
      opened = true;
      return new Opened(source, remote);
    } catch (ErrnoException failed) {
      throw new ControlException(
          ErrorKind.FAILED,
          "the host let us in and then did not show its folder (" + failed.errno() + ")",
          "try again",
          failed);
    } finally {
      if (!opened) {
        link.close();
      }
    }
  }
}
