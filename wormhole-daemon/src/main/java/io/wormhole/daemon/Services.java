package io.wormhole.daemon;

import io.wormhole.cache.CacheStats;
import io.wormhole.cache.ChunkCache;
import io.wormhole.cache.disk.DiskStats;
import io.wormhole.daemon.control.DaemonServices;
import io.wormhole.daemon.control.HostedShare;
import io.wormhole.daemon.control.MountedShare;
import io.wormhole.daemon.discovery.Discovery;
import io.wormhole.daemon.discovery.LocalNetwork;
import io.wormhole.daemon.discovery.Mdns;
import io.wormhole.daemon.fuse.device.DeviceBackend;
import io.wormhole.daemon.fuse.device.DeviceSettings;
import io.wormhole.daemon.fuse.jnr.JnrBackend;
import io.wormhole.daemon.fuse.jnr.JnrSettings;
import io.wormhole.daemon.fuse.mounts.StaleMounts;
import io.wormhole.daemon.host.DescriptorBudget;
import io.wormhole.daemon.host.ShareStore;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.NetworkEndpoint;
import io.wormhole.daemon.transport.TransportSettings;
import io.wormhole.daemon.trust.Gate;
import io.wormhole.daemon.trust.Identity;
import io.wormhole.daemon.trust.Introduction;
import io.wormhole.daemon.trust.JoinClient;
import io.wormhole.daemon.trust.LiveCodes;
import io.wormhole.daemon.trust.PeerCertificates;
import io.wormhole.daemon.trust.PinnedPeers;
import io.wormhole.protocol.control.CacheChange;
import io.wormhole.protocol.control.CacheEvent;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.FolderLook;
import io.wormhole.protocol.control.Folders;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.control.MountRequest;
import io.wormhole.protocol.control.MountTable;
import io.wormhole.protocol.control.PeersAnswer;
import io.wormhole.protocol.control.PinRequest;
import io.wormhole.protocol.control.PinsAnswer;
import io.wormhole.protocol.control.ResizeCacheRequest;
import io.wormhole.protocol.control.ShareEvent;
import io.wormhole.protocol.control.StatusAnswer.CacheStatus;
import io.wormhole.protocol.control.StatusAnswer.DiskStatus;
import io.wormhole.protocol.control.StatusAnswer.MountStatus;
import io.wormhole.protocol.control.StatusAnswer.NetworkStatus;
import io.wormhole.protocol.control.StatusAnswer.RamStatus;
import io.wormhole.protocol.control.StatusAnswer.ShareStatus;
import io.wormhole.protocol.control.StopSharingAnswer;
import io.wormhole.protocol.control.StopSharingRequest;
import io.wormhole.protocol.control.UnmountAnswer;
import io.wormhole.protocol.control.UnmountRequest;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.name.DisplayName;
import io.wormhole.protocol.settings.Settings;
import io.wormhole.protocol.settings.SettingsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything the daemon is made of, made here and ended here. */
final class Services implements DaemonServices {
  private static final Logger log = LoggerFactory.getLogger(Services.class);
  private static final long TICK_SECONDS = 1;
  private static final long WARM_UP_AFTER_SECONDS = 20;

  private final Threads threads;
  private final Endpoint endpoint;
  private final ChunkCache cache;
  private final DiskCache disk;
  private final LocalNetwork network;
  private final Hosting hosting;
  private final Mounting mounting;
  private final Peering peering;
  private final Pinning pinning;
  private final HeapTidy heap = new HeapTidy(HeapTidy.OWN, System.nanoTime());
  private final Thread restoring;

  Services(Folders folders) throws ControlException, IOException {
    Settings settings = SettingsFile.of(folders).read();
    Path state = folders.state();
    MountedFolders mounted = new MountedFolders(folders.mounts());
    clearStaleMounts(mounted);
    SecureRandom random = new SecureRandom();
    Clock clock = Clock.systemUTC();
    Identity identity = Identity.loadOrCreate(state, random);
    PinnedPeers pins = PinnedPeers.open(state, clock);
    threads = Threads.start();
    Blake3 blake3 = Blake3.fastest(task -> warmUpLater(threads, task));
    endpoint =
        new NetworkEndpoint(
            identity.privateKey(),
            identity.certificate(),
            new PeerCertificates(),
            TransportSettings.DEFAULTS,
            settings.tcp());
    cache = new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, blake3, threads.verify());
    KeptPins pinned = new KeptPins(folders.pins());
    disk = new DiskCache(folders.chunks(), settings, cache, pinned::numbers, blake3, clock);
    ShareStore shares = new ShareStore(state, random, blake3);
    network = settings.mdns() ? new Mdns(identity.fingerprint(), random) : LocalNetwork.OFF;
    LiveCodes codes = new LiveCodes(identity.fingerprint(), network::isTaken, clock, random);
    hosting =
        new Hosting(
            shares,
            codes,
            DescriptorBudget.ofProcess(),
            threads.hostIo(),
            clock,
            endpoint,
            state,
            network,
            acceptor ->
                new Gate(
                    identity.fingerprint(),
                    codes,
                    pins,
                    acceptor,
                    threads.trust(),
                    threads.timer(),
                    random));
    mounting =
        new Mounting(
            new ShareOpener(
                new Joining(
                    new Discovery(hosting::servedAt, network),
                    new JoinClient(
                        endpoint,
                        identity.fingerprint(),
                        pins,
                        threads.trust(),
                        threads.timer(),
                        random),
                    new Introduction(ownName(), false),
                    System::nanoTime),
                cache,
                blake3,
                owner(),
                threads.timer(),
                System::nanoTime),
            pins,
            cache,
            new FuseChoice(
                List.of(
                    new DeviceBackend(DeviceSettings.DEFAULTS, System::nanoTime),
                    new JnrBackend(JnrSettings.DEFAULTS, System::nanoTime)),
                settings.fuse()),
            mounted,
            System::nanoTime);
    peering = new Peering(pins, hosting.gate(), shares, mounting::hasMounted);
    pinning = new Pinning(pinned, mounting::running, cache, disk);
    if (!mounted.all().isEmpty()) {
      disk.begin();
    }
    mounting.restore();
    pinning.begin();
    restoring = Thread.ofVirtual().name("restore").start(this::restore);
    ScheduledFuture<?> _ =
        threads
            .timer()
            .scheduleWithFixedDelay(this::tick, TICK_SECONDS, TICK_SECONDS, TimeUnit.SECONDS);
  }

  /**
   * The vectors are slow until they are compiled, so they are tried in the background: not while
   * the first files are opened, and behind whoever else wants the cores.
   */
  private static void warmUpLater(Threads threads, Runnable task) {
    ScheduledFuture<?> _ =
        threads
            .timer()
            .schedule(
                () ->
                    Thread.ofPlatform()
                        .daemon()
                        .name("verify-warm")
                        .start(() -> {
                          Posix.yieldToAll();
                          task.run();
                        }),
                WARM_UP_AFTER_SECONDS,
                TimeUnit.SECONDS);
  }

  /** A folder on a disk that does not answer holds nobody up. */
  private void restore() {
    try {
      hosting.restore();
    } catch (InterruptedException stopped) {
      log.debug("the daemon ends before all is shared again");
    }
  }

  /** What a daemon of this home that was killed has left mounted answers nobody any more. */
  private static void clearStaleMounts(MountedFolders folders) throws IOException {
    try {
      List<MountTable.Mount> table = MountTable.mounts();
      // Nobody but this process serves this home, so what earlier ones served is served no more.
      List<KeptMount> before = folders.left();
      Set<String> devices =
          before.stream()
              .map(KeptMount::device)
              .filter(Objects::nonNull)
              .collect(Collectors.toSet());
      // A mount's number is another one's once it is gone: it tells only where the folder is gone.
      Set<KeptMount> gone =
          before.stream()
              .filter(kept -> !isListed(table, kept) && isGone(kept.path()))
              .collect(Collectors.toSet());
      folders.settle(kept ->
          isListed(table, kept)
              || (gone.contains(kept) && table.stream().anyMatch(mount -> isMoved(kept, mount))));
      List<Path> left = folders.all().stream().map(KeptMount::path).toList();
      // What does not answer elsewhere may be another's mount by now, with the same number.
      List<Path> moved =
          table.stream()
              .filter(mount -> gone.stream().anyMatch(kept -> isMoved(kept, mount)))
              .map(mount -> Path.of(mount.directory()))
              .toList();
      List<Path> cleared = new ArrayList<>(StaleMounts.clear(left, devices));
      cleared.addAll(StaleMounts.clear(moved));
      for (Path each : cleared) {
        log.info("cleared the mount that a killed daemon left at {}", each);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean isListed(List<MountTable.Mount> table, KeptMount kept) {
    return table.stream().anyMatch(mount -> mount.directory().equals(kept.directory()));
  }

  /** Whether it is the mount whose folder is gone: that, or one above it, was renamed. */
  private static boolean isMoved(KeptMount kept, MountTable.Mount mount) {
    return mount.isOwn() && mount.device().equals(kept.device());
  }

  /** What does not answer is there. */
  private static boolean isGone(Path folder) {
    try {
      return FolderLook.within(folder, it -> !Files.exists(it, LinkOption.NOFOLLOW_LINKS));
    } catch (IOException | ControlException silent) {
      return false;
    }
  }

  /** What hosts may call this machine's user. */
  private static String ownName() {
    return DisplayName.of(System.getProperty("user.name", ""), "somebody").text();
  }

  /** Files belong to whoever mounted them, which is whoever runs this process. */
  private static Owner owner() throws IOException {
    Path self = Path.of("/proc/self");
    return new Owner(
        (Integer) Files.getAttribute(self, "unix:uid"),
        (Integer) Files.getAttribute(self, "unix:gid"));
  }

  private void tick() {
    long now = System.nanoTime();
    hosting.tick(now);
    mounting.tick(now);
    network.tick();
    heap.tick(now);
  }

  @Override
  public HostedShare host(HostRequest request, Consumer<ShareEvent> events)
      throws ControlException, InterruptedException {
    return hosting.host(request, events);
  }

  @Override
  public StopSharingAnswer stopSharing(StopSharingRequest request) throws ControlException {
    return hosting.stopSharing(request);
  }

  @Override
  public PeersAnswer peers() throws ControlException {
    return peering.all();
  }

  @Override
  public PeersAnswer forgetPeer(String peer) throws ControlException {
    return peering.forget(peer);
  }

  @Override
  public PeersAnswer revokePeer(String peer) throws ControlException {
    return peering.revoke(peer);
  }

  @Override
  public PeersAnswer renamePeer(String peer, String name) throws ControlException {
    return peering.rename(peer, name);
  }

  @Override
  public MountedShare mount(MountRequest request, Consumer<String> progress)
      throws ControlException, InterruptedException {
    if (request.cacheBytes() == null) {
      disk.begin();
    } else {
      disk.begin(request.cacheBytes());
    }
    if (mounting.knows(request.code())) {
      disk.awaitOpen();
    }
    return mounting.mount(request, progress);
  }

  @Override
  public UnmountAnswer unmount(UnmountRequest request) throws ControlException {
    return mounting.unmount(request);
  }

  @Override
  public List<ShareStatus> shares() {
    return hosting.status();
  }

  @Override
  public List<MountStatus> mounts() {
    return mounting.status();
  }

  @Override
  public CacheStatus cache() {
    CacheStats stats = cache.stats();
    return new CacheStatus(
        new RamStatus(
            stats.limitBytes(),
            stats.usedBytes(),
            stats.chunks(),
            stats.hits(),
            stats.misses(),
            stats.evictions()),
        cache.diskStats().map(on -> status(on, stats.sameAnswers())).orElse(null),
        new NetworkStatus(stats.fetched(), mounting.bytesReceived(), 0, stats.rejected()));
  }

  private static DiskStatus status(DiskStats disk, long sameAnswers) {
    return new DiskStatus(
        disk.limitBytes(),
        disk.usedBytes(),
        disk.contents(),
        disk.hits(),
        disk.misses(),
        disk.evictions(),
        disk.corrupt(),
        sameAnswers,
        disk.contents() == 0 ? 1 : 1 + (double) disk.shared() / disk.contents(),
        disk.pinnedBytes());
  }

  @Override
  public PinsAnswer pins() {
    return pinning.all();
  }

  @Override
  public PinsAnswer.Pin pin(PinRequest request, Consumer<CacheEvent> events)
      throws ControlException, InterruptedException {
    return pinning.pin(Path.of(request.path()), events);
  }

  @Override
  public PinsAnswer.Pin warm(PinRequest request, Consumer<CacheEvent> events)
      throws ControlException, InterruptedException {
    return pinning.warm(Path.of(request.path()), events);
  }

  @Override
  public PinsAnswer unpin(PinRequest request) throws ControlException, InterruptedException {
    return pinning.unpin(request.path());
  }

  @Override
  public long verifyCache(DoubleConsumer progress) throws ControlException, InterruptedException {
    return disk.verify(progress);
  }

  @Override
  public CacheChange clearCache() throws ControlException, InterruptedException {
    long dropped = disk.clear();
    pinning.lookNow();
    return new CacheChange(dropped, cache());
  }

  @Override
  public CacheChange collectCache() throws ControlException, InterruptedException {
    return new CacheChange(disk.collect(), cache());
  }

  @Override
  public CacheChange resizeCache(ResizeCacheRequest request)
      throws ControlException, InterruptedException {
    return new CacheChange(disk.resize(request.bytes()), cache());
  }

  @Override
  public void stop() {
    restoring.interrupt();
    pinning.stop();
    mounting.stop();
    hosting.stop();
    network.close();
    endpoint.close();
    cache.close();
    threads.stop();
  }
}
