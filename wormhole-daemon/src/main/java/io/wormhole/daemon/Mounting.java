package io.wormhole.daemon;

import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.Joining.Admitted;
import io.wormhole.daemon.control.MountPoint;
import io.wormhole.daemon.control.MountedShare;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MountBusyException;
import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.device.DeviceBackend;
import io.wormhole.daemon.mount.HostLink;
import io.wormhole.daemon.mount.MountSettings;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.daemon.mount.RemoteShare;
import io.wormhole.daemon.trust.Joined;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.MountEvent;
import io.wormhole.protocol.control.MountRequest;
import io.wormhole.protocol.control.StatusAnswer.MountStatus;
import io.wormhole.protocol.control.UnmountAnswer;
import io.wormhole.protocol.control.UnmountAnswer.Unmounted;
import io.wormhole.protocol.control.UnmountRequest;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.JoinCodeException;
import io.wormhole.protocol.name.DisplayName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The shares this daemon has mounted. Any thread. */
final class Mounting {
  private static final Logger log = LoggerFactory.getLogger(Mounting.class);

  private final Joining joining;
  private final ChunkCache cache;
  private final Blake3 blake3;
  private final DeviceBackend backend;
  private final MountedFolders folders;
  private final Owner owner;
  private final ScheduledExecutorService timer;
  private final LongSupplier tickerNanos;
  private final List<RunningMount> mounts = new CopyOnWriteArrayList<>();
  private final LongAdder bytesOfMountsGone = new LongAdder();

  Mounting(
      Joining joining,
      ChunkCache cache,
      Blake3 blake3,
      DeviceBackend backend,
      MountedFolders folders,
      Owner owner,
      ScheduledExecutorService timer,
      LongSupplier tickerNanos) {
    this.joining = joining;
    this.cache = cache;
    this.blake3 = blake3;
    this.backend = backend;
    this.folders = folders;
    this.owner = owner;
    this.timer = timer;
    this.tickerNanos = tickerNanos;
  }

  MountedShare mount(MountRequest request, Consumer<String> progress)
      throws ControlException, InterruptedException {
    if (request.ramBytes() != null) {
      resize(request.ramBytes());
    }
    try {
      backend.check();
    } catch (MountException impossible) {
      throw explained(impossible);
    }
    progress.accept("joining");
    Admitted admitted = joining.join(code(request), request.peer());
    Joined joined = admitted.joined();
    HostLink link =
        new HostLink(
            admitted.lanes(),
            () -> joining.rejoin(joined.host(), joined.share()),
            timer,
            tickerNanos);
    boolean complete = false;
    try {
      progress.accept("mounting");
      MountedShare mounted = mount(request, joined, link);
      complete = true;
      return mounted;
    } finally {
      if (!complete) {
        link.close();
      }
    }
  }

  private MountedShare mount(MountRequest request, Joined joined, HostLink link)
      throws ControlException, InterruptedException {
    RemoteShare remote;
    try {
      remote =
          RemoteShare.open(
              link, cache, blake3, joined.share(), MountSettings.DEFAULTS, owner, tickerNanos);
    } catch (ErrnoException failed) {
      throw new ControlException(
          ErrorKind.FAILED,
          "the host let us in and then did not show its folder (" + failed.errno() + ")",
          "try again",
          failed);
    }
    DisplayName share = DisplayName.of(joined.shareName(), "share");
    String given = request.directory();
    Path directory =
        given == null
            ? MountPoint.prepare(Path.of(request.parent()), share.text())
            : Path.of(given);
    KernelMount kernel = mountAt(located(directory), share, remote);
    RunningMount running;
    synchronized (this) {
      running =
          new RunningMount(
              unusedName(share.text()), joined, remote, kernel, tickerNanos.getAsLong());
      mounts.add(running);
    }
    log.info("mounted {} of {} at {}", running.name(), joined.host(), running.directory());
    return new MountedShare(
        new MountEvent.Mounted(
            running.name(), running.directory(), joined.share().toString(), kernel.backend()),
        kernel.ended().thenApply(_ -> ended(running)));
  }

  private KernelMount mountAt(Path directory, DisplayName share, RemoteShare remote)
      throws ControlException, InterruptedException {
    boolean mounted = false;
    boolean fresh = false;
    try {
      // First, so that no end of this process leaves a mount nobody knows of.
      fresh = folders.add(directory);
      KernelMount kernel =
          backend.mount(new MountOptions(directory, share.text()), remote.fileSystem());
      mounted = true;
      return kernel;
    } catch (MountException refused) {
      throw explained(refused);
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

  /**
   * The same folder by the path the kernel's table of mounts has. Only what is above it is looked
   * at: the folder itself may be a mount that does not answer.
   */
  private static Path located(Path directory) throws ControlException {
    Path parent = directory.getParent();
    if (parent == null) {
      return directory;
    }
    try {
      return parent.toRealPath().resolve(directory.getFileName());
    } catch (IOException gone) {
      throw new ControlException(
          ErrorKind.NO_SUCH_FOLDER, "no such folder: " + parent, "check the path", gone);
    }
  }

  private String ended(RunningMount running) {
    bytesOfMountsGone.add(running.remote().link().bytesReceived());
    mounts.remove(running);
    forget(running.kernel().directory());
    running.remote().close();
    log.info("{} at {} is unmounted", running.name(), running.directory());
    return "unmounted";
  }

  private void forget(Path directory) {
    try {
      folders.remove(directory);
    } catch (IOException unwritable) {
      log.warn("the next start will look for a mount at {} in vain", directory, unwritable);
    }
  }

  private static JoinCode code(MountRequest request) throws ControlException {
    try {
      return JoinCode.parse(request.code());
    } catch (JoinCodeException mistyped) {
      throw new ControlException(
          ErrorKind.MISTYPED_CODE, Hosting.message(mistyped), "compare it with the host's");
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
    String name = wanted;
    for (int number = 2; named(name) != null; number++) {
      name = wanted + " (" + number + ")";
    }
    return name;
  }

  private @Nullable RunningMount named(String name) {
    for (RunningMount mount : mounts) {
      if (mount.name().equals(name)) {
        return mount;
      }
    }
    return null;
  }

  boolean hasMounted(KnownHost known) {
    return mounts.stream()
        .map(RunningMount::joined)
        .anyMatch(
            joined -> joined.host().equals(known.host()) && joined.share().equals(known.share()));
  }

  UnmountAnswer unmount(UnmountRequest request) throws ControlException {
    List<RunningMount> meant = request.everything() ? List.copyOf(mounts) : List.of(find(request));
    List<Unmounted> done = new ArrayList<>();
    ControlException busy = null;
    for (RunningMount mount : meant) {
      try {
        unmount(mount, request.force());
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

  private RunningMount find(UnmountRequest request) throws ControlException {
    RunningMount byName = request.name() == null ? null : named(request.name());
    if (byName != null) {
      return byName;
    }
    String directory = request.directory();
    Path wanted = directory == null ? null : located(Path.of(directory));
    for (RunningMount mount : mounts) {
      if (mount.kernel().directory().equals(wanted)) {
        return mount;
      }
    }
    throw new ControlException(
        ErrorKind.NOT_MOUNTED,
        "nothing of ours is mounted at " + directory,
        "wormhole status lists the mounts");
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
          case NOT_ROOT, NO_DEVICE, KERNEL_TOO_OLD -> ErrorKind.MISSING_PREREQUISITE;
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
    return mounts.stream().map(RunningMount::status).toList();
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

  /** Unmounts all, by force where a mount is busy. */
  void stop() {
    for (RunningMount mount : mounts) {
      try {
        mount.kernel().unmount();
      } catch (IOException busy) {
        log.info("{} is taken away by force: {}", mount.directory(), busy.getMessage());
        mount.kernel().forceUnmount();
      }
    }
  }
}
