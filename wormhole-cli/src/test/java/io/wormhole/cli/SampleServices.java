package io.wormhole.cli;

import io.wormhole.daemon.control.DaemonServices;
import io.wormhole.daemon.control.HostedShare;
import io.wormhole.daemon.control.MountedShare;
import io.wormhole.protocol.control.CacheChange;
import io.wormhole.protocol.control.CacheEvent;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.control.MountEvent;
import io.wormhole.protocol.control.MountRequest;
import io.wormhole.protocol.control.PeersAnswer;
import io.wormhole.protocol.control.PinRequest;
import io.wormhole.protocol.control.PinsAnswer;
import io.wormhole.protocol.control.ResizeCacheRequest;
import io.wormhole.protocol.control.ShareEvent;
import io.wormhole.protocol.control.StatusAnswer.CacheStatus;
import io.wormhole.protocol.control.StatusAnswer.DiskStatus;
import io.wormhole.protocol.control.StatusAnswer.MountStatus;
import io.wormhole.protocol.control.StatusAnswer.NetworkStatus;
import io.wormhole.protocol.control.StatusAnswer.PeerStatus;
import io.wormhole.protocol.control.StatusAnswer.RamStatus;
import io.wormhole.protocol.control.StatusAnswer.ShareStatus;
import io.wormhole.protocol.control.StopSharingAnswer;
import io.wormhole.protocol.control.StopSharingRequest;
import io.wormhole.protocol.control.UnmountAnswer;
import io.wormhole.protocol.control.UnmountRequest;
import io.wormhole.protocol.join.Ticket;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/** Services that answer from a script and tell what they were asked. */
final class SampleServices implements DaemonServices {
  static final String CODE = "0000-0000-0000";

  /** Of the same nameplate. */
  static final String TICKET =
      Ticket.generate(
              Fingerprint.of(new byte[Fingerprint.BYTES]),
              new ShareId(0, 0),
              0,
              List.of(new InetSocketAddress("192.0.2.1", 4747)),
              new SecureRandom())
          .format();

  static final String EVIL_NAME = "evil\u001b[31m\nname";

  final BlockingQueue<HostRequest> hosted = new LinkedBlockingQueue<>();
  final BlockingQueue<String> left = new LinkedBlockingQueue<>();
  final BlockingQueue<MountRequest> mounted = new LinkedBlockingQueue<>();
  final BlockingQueue<UnmountRequest> unmounted = new LinkedBlockingQueue<>();
  final CompletableFuture<String> mountEnd = new CompletableFuture<>();

  /** What the next mount fails with. */
  volatile @Nullable ControlException mountFailure;

  /** Held back until then; completes at once unless a test sets another. */
  volatile CountDownLatch mountGate = new CountDownLatch(0);

  @Override
  public HostedShare host(HostRequest request, Consumer<ShareEvent> events) {
    hosted.add(request);
    events.accept(new ShareEvent.PeerConnected(EVIL_NAME, "ab".repeat(32), "192.0.2.7:4000"));
    events.accept(new ShareEvent.CodeEnded("the code 0000-****-**** has ended: it has expired"));
    return new HostedShare() {
      @Override
      public ShareEvent.Shared answer() {
        return new ShareEvent.Shared(
            CODE,
            TICKET,
            "192.0.2.1:4747",
            "sample",
            "cd".repeat(8),
            request.directory(),
            false,
            "2026-03-01T12:00:00Z",
            List.of(request.directory() + "/proc"),
            2);
      }

      @Override
      public ShareEvent.Throughput throughput() {
        return new ShareEvent.Throughput(1, 2_500_000, 5_000_000);
      }

      @Override
      public void close() {
        left.add(request.directory());
      }
    };
  }

  @Override
  public MountedShare mount(MountRequest request, Consumer<String> progress)
      throws ControlException, InterruptedException {
    mounted.add(request);
    ControlException failure = mountFailure;
    if (failure != null) {
      throw failure;
    }
    progress.accept("joining");
    try {
      mountGate.await();
    } catch (InterruptedException e) {
      left.add("interrupted");
      throw e;
    }
    String directory =
        request.directory() == null ? request.parent() + "/sample" : request.directory();
    return new MountedShare(
        new MountEvent.Mounted("sample", directory, "cd".repeat(8), "device", false), mountEnd);
  }

  @Override
  public UnmountAnswer unmount(UnmountRequest request) throws ControlException {
    unmounted.add(request);
    if (request.everything()) {
      return new UnmountAnswer(List.of());
    }
    if ("busy".equals(request.name())) {
      throw new ControlException(ErrorKind.BUSY, "somebody uses it", "--force");
    }
    String directory = String.valueOf(request.directory());
    return new UnmountAnswer(List.of(new UnmountAnswer.Unmounted("sample", directory)));
  }

  @Override
  public StopSharingAnswer stopSharing(StopSharingRequest request) {
    left.add("stop " + request.directory() + " " + request.name());
    return new StopSharingAnswer(request.directory(), false);
  }

  @Override
  public PeersAnswer peers() {
    return new PeersAnswer(
        List.of(
            new PeersAnswer.Guest(
                EVIL_NAME,
                "ab".repeat(32),
                "sample",
                "cd".repeat(16),
                false,
                "2026-05-01T12:00:00Z",
                "2026-05-02T12:34:56Z",
                false)),
        List.of(
            new PeersAnswer.KnownShare(
                "films",
                "12".repeat(32),
                EVIL_NAME,
                "ef".repeat(16),
                List.of("192.0.2.1:4747"),
                "2026-05-01T12:00:00Z",
                "2026-05-02T12:34:56Z",
                true)));
  }

  @Override
  public PeersAnswer forgetPeer(String peer) {
    left.add("forget " + peer);
    return peers();
  }

  @Override
  public PeersAnswer revokePeer(String peer) throws ControlException {
    left.add("revoke " + peer);
    if (peer.equals("nobody")) {
      throw new ControlException(ErrorKind.UNKNOWN_PEER, "nobody is known", "look");
    }
    return new PeersAnswer(peers().peers(), List.of());
  }

  @Override
  public PeersAnswer renamePeer(String peer, String name) {
    left.add("rename " + peer + " " + name);
    return peers();
  }

  @Override
  public List<ShareStatus> shares() {
    PeerStatus peer =
        new PeerStatus(EVIL_NAME, "ab".repeat(32), "lan", 0.5, 0, "bbr", 640_000L, 1_000_000, 12);
    return List.of(
        new ShareStatus(
            "sample",
            "/srv/sample",
            "cd".repeat(8),
            "[::]:4747",
            false,
            null,
            true,
            List.of(peer)));
  }

  @Override
  public List<MountStatus> mounts() {
    return List.of(
        new MountStatus(
            "other",
            "/mnt/other",
            "ef".repeat(8),
            "12".repeat(32),
            MountStatus.State.CONNECTED,
            "loopback",
            "tcp",
            null,
            0,
            null,
            null,
            0,
            "device",
            "root",
            0,
            null));
  }

  @Override
  public CacheStatus cache() {
    return new CacheStatus(
        new RamStatus(100_000_000, 5_000_000, 40, 30, 10, 0),
        new DiskStatus(10_000_000_000L, 2_000_000, 16, 7, 3, 0, 0, 0, 1, 0),
        new NetworkStatus(40, 5_000_000, 320, 0));
  }

  @Override
  public long verifyCache(DoubleConsumer progress) {
    progress.accept(0.5);
    return 3;
  }

  @Override
  public CacheChange clearCache() {
    left.add("clear");
    return new CacheChange(16, cache());
  }

  @Override
  public CacheChange collectCache() {
    left.add("gc");
    return new CacheChange(2, cache());
  }

  @Override
  public CacheChange resizeCache(ResizeCacheRequest request) {
    left.add("resize " + request.bytes());
    return new CacheChange(0, cache());
  }

  @Override
  public PinsAnswer pins() {
    return new PinsAnswer(List.of(pinned("/mnt/films" + EVIL_NAME)));
  }

  @Override
  public PinsAnswer.Pin pin(PinRequest request, Consumer<CacheEvent> events) {
    left.add("pin " + request.path());
    events.accept(new CacheEvent.Fetching(request.path(), 1, 2));
    return pinned(request.path());
  }

  @Override
  public PinsAnswer.Pin warm(PinRequest request, Consumer<CacheEvent> events) {
    left.add("warm " + request.path());
    return pinned(request.path());
  }

  @Override
  public PinsAnswer unpin(PinRequest request) {
    left.add("unpin " + request.path());
    return new PinsAnswer(List.of(pinned(request.path())));
  }

  private static PinsAnswer.Pin pinned(String path) {
    return new PinsAnswer.Pin(
        path, PinsAnswer.State.INCOMPLETE, 3, 1_000_000, 2_000_000, "no room");
  }

  @Override
  public void stop() {
    left.add("everything");
  }
}
