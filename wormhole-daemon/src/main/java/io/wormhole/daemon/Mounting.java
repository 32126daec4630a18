package io.wormhole.daemon;

import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.FuseChoice.Chosen;
import io.wormhole.daemon.ShareOpener.Opened;
import io.wormhole.daemon.ShareOpener.Source;
import io.wormhole.daemon.control.MountPoint;
import io.wormhole.daemon.control.MountedShare;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MountBusyException;
import io.wormhole.daemon.fuse.MountCoveredException;
import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.mount.RemoteShare;
import io.wormhole.daemon.trust.PinnedPeers;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.MountEvent;
import io.wormhole.protocol.control.MountRequest;
import io.wormhole.protocol.control.MountTable;
import io.wormhole.protocol.control.StatusAnswer.MountStatus;
import io.wormhole.protocol.control.UnmountAnswer;
import io.wormhole.protocol.control.UnmountAnswer.Unmounted;
import io.wormhole.protocol.control.UnmountRequest;
import io.wormhole.protocol.join.Invitation;
import io.wormhole.protocol.join.JoinCodeException;
import io.wormhole.protocol.name.DisplayName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The shares this daemon has mounted. Any thread. */
final class Mounting {
  private static final Logger log = LoggerFactory.getLogger(Mounting.class);

  private final ShareOpener opener;
  private final PinnedPeers pins;
  private final ChunkCache cache;
  private final FuseChoice backends;
  private final MountedFolders folders;
  private final LongSupplier tickerNanos;
  private final List<RunningMount> mounts = new CopyOnWriteArrayList<>();
  private final AwaitedMounts awaited = new AwaitedMounts();
  private final LongAdder bytesOfMountsGone = new LongAdder();
  private volatile boolean stopping;

  Mounting(
      ShareOpener opener,
      PinnedPeers pins,
      ChunkCache cache,
      FuseChoice backends,
      MountedFolders folders,
      LongSupplier tickerNanos) {
    this.opener = opener;
    this.pins = pins;
    this.cache = cache;
    this.backends = backends;
    this.folders = folders;
    this.tickerNanos = tickerNanos;
  }

  /** Whether it is the name of a share that was mounted before. */
  boolean knows(String code) {
    return pins.hostNamed(code).isPresent();
  }

  MountedShare mount(MountRequest request, Consumer<String> progress)
      throws ControlException, InterruptedException {
    if (request.ramBytes() != null) {
      resize(request.ramBytes());
    }
    Chosen chosen = chosen(request.fuse());
    progress.accept("joining");
    // A name first: none looks like a code.
    Optional<KnownHost> known = pins.hostNamed(request.code());
    try (Opened opened =
        known.isPresent()
            ? opener.open(known.get(), request.peer())
            : opener.open(invitation(request), request.peer())) {
      progress.accept("mounting");
      String name = localName(opened.source());
      String given = request.directory();
      Path directory =
          given == null
              ? MountPoint.prepare(Path.of(request.parent()), name)
              : MountPoint.located(Path.of(given));
      // What waits for its host there makes room.
      forget(awaited.giveUp(kept -> kept.path().equals(directory)));
      return mounted(mountAt(directory, opened, request, chosen), opened, chosen);
    }
  }

  /**
   * Mounts again what an earlier daemon of this home had mounted, each once its host answers. Does
   * not wait.
   */
  void restore() {
    for (KeptMount kept : folders.all()) {
      if (kept.foreground()) {
        forget(kept.path());
      } else {
        awaited.add(kept, this::mountAgain);
      }
    }
  }

  private void mountAgain(KeptMount kept, AwaitedMounts.Still still)
      throws ControlException, InterruptedException {
    Chosen chosen = chosen(kept.fuse());
    var _ = MountPoint.check(kept.path());
    KnownHost known =
        pins.host(kept.hostKey(), kept.shareId())
            .orElseThrow(() ->
                new ControlException(
                    ErrorKind.NOT_AUTHORISED,
                    "the share was forgotten",
                    "unmount it, and mount it with a code"));
    try (Opened opened = opener.open(known, null)) {
      KernelMount kernel = kernelMount(kept, opened.remote(), chosen);
      MountedShare mounted = mounted(kernel, opened, chosen);
      if (still.arrived()) {
        keep(folders.at(kept.path()).orElse(kept));
        log.info("{} is back", mounted.answer().directory());
      } else {
        kernel.forceUnmount();
      }
    }
  }

  private Chosen chosen(@Nullable String asked) throws ControlException {
    try {
      return backends.choose(asked);
    } catch (MountException impossible) {
      throw explained(impossible);
    }
  }

  private MountedShare mounted(KernelMount kernel, Opened opened, Chosen chosen) {
    Path directory = kernel.directory();
    Source source = opened.source();
    String name = folders.at(directory).map(KeptMount::name).orElseGet(() -> localName(source));
    RunningMount running =
        new RunningMount(
            name, source, opened.remote(), kernel, chosen.why(), tickerNanos.getAsLong());
    opened.handOver();
    mounts.add(running);
    log.info("mounted {} of {} at {}", name, source.host(), directory);
    return new MountedShare(
        new MountEvent.Mounted(
            name,
            running.directory(),
            source.share().toString(),
            kernel.backend(),
            opened.remote().link().isOffline()),
        kernel.ended().thenApply(_ -> ended(running)));
  }

  /** What the share is called here. */
  private String localName(Source source) {
    return pins.host(source.host(), source.share())
        .map(KnownHost::name)
        .orElseGet(() -> DisplayName.of(source.name(), "share").text());
  }

  private KernelMount mountAt(Path directory, Opened opened, MountRequest request, Chosen chosen)
      throws ControlException, InterruptedException {
    boolean mounted = false;
    boolean fresh = false;
    try {
      KeptMount kept;
      synchronized (this) {
        kept =
            KeptMount.of(
                directory,
                opened.source().host(),
                opened.source().share(),
                unusedName(localName(opened.source())),
                request.foreground(),
                request.allowOther(),
                request.fuse());
        // First, so that no end of this process leaves a mount nobody knows of.
        fresh = folders.add(kept);
      }
      KernelMount kernel = kernelMount(kept, opened.remote(), chosen);
      mounted = true;
      return kernel;
    } catch (IOException unwritable) {
      throw new ControlException(
          ErrorKind.FAILED,
          "the state folder cannot be written: " + Hosting.message(unwritable),
          "make room, or mend its rights",
          unwritable);
    } finally {
      // A folder that was there before is that of a mount which lives.
      if (!mounted && fresh) {
        forget(directory);
      }
    }
  }

  private KernelMount kernelMount(KeptMount kept, RemoteShare remote, Chosen chosen)
      throws ControlException, InterruptedException {
    try {
      KernelMount kernel =
          chosen
              .backend()
              .mount(
                  new MountOptions(kept.path(), kept.name(), kept.allowOther()),
                  remote.fileSystem());
      keepDevice(kernel);
      remote.notifyThrough(kernel.notifier());
      return kernel;
    } catch (MountException refused) {
      throw explained(refused);
    }
  }

  private String ended(RunningMount running) {
    bytesOfMountsGone.add(running.remote().link().bytesReceived());
    mounts.remove(running);
    Path directory = running.kernel().directory();
    if (!stopping
        && mounts.stream().noneMatch(mount -> mount.kernel().directory().equals(directory))) {
      forget(directory);
    }
    running.remote().close();
    log.info("{} at {} is unmounted", running.name(), running.directory());
    return "unmounted";
  }

  private void keep(KeptMount kept) {
    try {
      folders.mounted(kept);
    } catch (IOException unwritable) {
      log.warn("the mount at {} is not on record", kept.directory(), unwritable);
    }
  }

  /** For the next daemon, should this one be killed with a thread in the kernel. */
  private void keepDevice(KernelMount kernel) {
    try {
      Optional<MountTable.Mount> mount = MountTable.at(kernel.directory());
      Optional<KeptMount> kept = folders.at(kernel.directory());
      if (mount.isPresent() && kept.isPresent()) {
        folders.mounted(kept.get().as(mount.get().device()));
      }
    } catch (IOException unwritable) {
      log.warn("the mount at {} is not on record", kernel.directory(), unwritable);
    }
  }

  private void forget(List<KeptMount> givenUp) {
    givenUp.forEach(kept -> forget(kept.path()));
  }

  private void forget(Path directory) {
    try {
      folders.remove(directory);
    } catch (IOException unwritable) {
      log.warn("the next daemon will mount {} again", directory, unwritable);
    }
  }

  private static Invitation invitation(MountRequest request) throws ControlException {
    try {
      return Invitation.parse(request.code());
    } catch (JoinCodeException mistyped) {
      // It may be a code with a mistake in it, and stands in no message.
      throw new ControlException(
          ErrorKind.MISTYPED_CODE,
          "this is no name of a share that was mounted before, and no code: "
              + Hosting.message(mistyped),
          "compare it with the host's, or see wormhole peers list");
    }
  }

  private void resize(long bytes) throws ControlException {
    try {
      cache.resize(bytes);
    } catch (IllegalArgumentException tooSmall) {
      throw new ControlException(ErrorKind.USAGE, Hosting.message(tooSmall), "give more --ram");
    }
  }

  private String unusedName(String wanted) {
    Set<String> taken = folders.all().stream().map(KeptMount::name).collect(Collectors.toSet());
    String name = wanted;
    for (int number = 2; taken.contains(name); number++) {
      name = wanted + " (" + number + ")";
    }
    return name;
  }

  /** The last one: others may be unmounted already, and live on in who has them open. */
  private Optional<RunningMount> last(Predicate<RunningMount> wanted) {
    return running().reversed().stream().filter(wanted).findFirst();
  }

  /** Every mount of now, in the order in which they were made. */
  List<RunningMount> running() {
    return List.copyOf(mounts);
  }

  boolean hasMounted(KnownHost known) {
    return mounts.stream()
        .map(RunningMount::source)
        .anyMatch(
            source -> source.host().equals(known.host()) && source.share().equals(known.share()));
  }

  UnmountAnswer unmount(UnmountRequest request) throws ControlException {
    List<KeptMount> givenUp = giveUp(request);
    forget(givenUp);
    List<Unmounted> done = new ArrayList<>();
    givenUp.forEach(kept -> done.add(new Unmounted(kept.name(), kept.directory())));
    if (!done.isEmpty() && !request.everything()) {
      return new UnmountAnswer(done);
    }
    List<RunningMount> meant = request.everything() ? List.copyOf(mounts) : List.of(find(request));
    ControlException busy = null;
    for (RunningMount mount : meant) {
      try {
        unmount(mount, request.force());
        // A copy in another mount namespace may keep it from ending, but it is not mounted again.
        forget(mount.kernel().directory());
        done.add(new Unmounted(mount.name(), mount.directory()));
      } catch (ControlException failed) {
        busy = failed;
      }
    }
    if (busy != null) {
      throw busy;
    }
    return new UnmountAnswer(done);
  }

  private List<KeptMount> giveUp(UnmountRequest request) throws ControlException {
    if (request.everything()) {
      return awaited.giveUp(_ -> true);
    }
    List<KeptMount> named = awaited.giveUp(kept -> kept.name().equals(request.name()));
    String directory = request.directory();
    if (!named.isEmpty() || directory == null) {
      return named;
    }
    Path wanted = MountPoint.located(Path.of(directory));
    return awaited.giveUp(kept -> kept.path().equals(wanted));
  }

  private RunningMount find(UnmountRequest request) throws ControlException {
    Optional<RunningMount> named = last(mount -> mount.name().equals(request.name()));
    if (named.isPresent()) {
      return named.get();
    }
    String directory = request.directory();
    Path wanted = directory == null ? null : MountPoint.located(Path.of(directory));
    return last(mount -> mount.isAt(wanted))
        .orElseThrow(() ->
            new ControlException(
                ErrorKind.NOT_MOUNTED,
                "nothing of ours is mounted at " + directory,
                "wormhole status lists the mounts"));
  }

  private static void unmount(RunningMount mount, boolean force) throws ControlException {
    if (force) {
      mount.kernel().forceUnmount();
      return;
    }
    try {
      mount.kernel().unmount();
    } catch (MountBusyException busy) {
      throw new ControlException(
          ErrorKind.BUSY,
          Hosting.message(busy),
          "wormhole unmount --force " + mount.directory() + " takes it away from them",
          busy);
    } catch (MountCoveredException covered) {
      throw new ControlException(
          ErrorKind.BUSY,
          Hosting.message(covered),
          "unmount that first: umount " + mount.directory(),
          covered);
    } catch (IOException failed) {
      throw new ControlException(
          ErrorKind.FAILED,
          Hosting.message(failed),
          "wormhole unmount --force " + mount.directory(),
          failed);
    }
  }

  private static ControlException explained(MountException refused) {
    ErrorKind kind =
        switch (refused.kind()) {
          case NOT_ROOT, NO_DEVICE, NO_LIBRARY, KERNEL_TOO_OLD -> ErrorKind.MISSING_PREREQUISITE;
          case MOUNT_POINT_MISSING -> ErrorKind.NO_SUCH_FOLDER;
          case NOT_A_DIRECTORY -> ErrorKind.NOT_A_FOLDER;
          case NOT_EMPTY -> ErrorKind.NOT_EMPTY;
          case ALREADY_MOUNTED, DEAD_MOUNT -> ErrorKind.ALREADY_MOUNTED;
          case UNREADABLE -> ErrorKind.UNREADABLE;
          case REFUSED -> ErrorKind.FAILED;
        };
    return new ControlException(kind, Hosting.message(refused), null, refused);
  }

  List<MountStatus> status() {
    return Stream.concat(mounts.stream().map(RunningMount::status), awaited.status().stream())
        .toList();
  }

  /** Bytes that came over bulk lanes, of every mount since the start. */
  long bytesReceived() {
    long bytes = bytesOfMountsGone.sum();
    for (RunningMount mount : mounts) {
      bytes += mount.remote().link().bytesReceived();
    }
    return bytes;
  }

  void tick(long nowNanos) {
    mounts.forEach(mount -> mount.tick(nowNanos));
  }

  /**
   * Unmounts all at once, by force where a mount is busy or its clients keep it from ending; the
   * next daemon mounts them again.
   */
  void stop() {
    stopping = true;
    try {
      folders.letGo();
    } catch (IOException unwritable) {
      log.warn("what was mounted will not be mounted again", unwritable);
    }
    var _ = awaited.giveUp(_ -> true);
    Departure.of(mounts);
  }
}
