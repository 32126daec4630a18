package io.wormhole.daemon.fuse.jnr;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.FuseBackend;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import io.wormhole.daemon.fuse.mounts.FuseDevice;
import io.wormhole.daemon.fuse.mounts.Fusermount;
import io.wormhole.daemon.fuse.mounts.Libc;
import io.wormhole.daemon.fuse.mounts.LinuxMount;
import io.wormhole.daemon.fuse.mounts.MountPoint;
import io.wormhole.daemon.fuse.mounts.OurMounts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import jnr.ffi.Struct;
import org.jspecify.annotations.Nullable;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * Mounts through jnr-fuse and libfuse 2: as root by the library's own {@code mount(2)}, as another
 * user through {@code fusermount}. Any thread may call.
 */
public final class JnrBackend implements FuseBackend {
  /** What it is called. */
  public static final String NAME = "jnr";

  private static final int DATA_BYTES_MAX = 128 << 10;
  private static final Duration HANDSHAKE = Duration.ofSeconds(5);

  private final JnrSettings settings;
  private final FaultLog faults;
  private @Nullable FuseLibrary loaded;

  /**
   * @param nanoTime a clock that only goes forward, like {@link System#nanoTime}
   */
  public JnrBackend(JnrSettings settings, LongSupplier nanoTime) {
    this.settings = settings;
    this.faults = new FaultLog(nanoTime);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void check() throws MountException {
    checkDevice();
    library();
  }

  @Override
  public KernelMount mount(MountOptions options, KernelFileSystem fileSystem)
      throws MountException, InterruptedException {
    checkDevice();
    FuseLibrary library = library();
    Path directory = MountPoint.check(options.directory());
    return new Mounting(library, directory, options, fileSystem).mount();
  }

  /** The device, and for who is not root the helper that mounts. */
  private static void checkDevice() throws MountException {
    Libc.close(FuseDevice.open());
    if (Libc.geteuid() != 0) {
      Fusermount.check(Fusermount.OLD_NAME);
    }
  }

  /** The library, loaded once: that takes a second. */
  private synchronized FuseLibrary library() throws MountException {
    FuseLibrary library = loaded;
    if (library == null) {
      library = FuseLibrary.load();
      loaded = library;
    }
    return library;
  }

  /** One mount, from libfuse's arguments to its last thread. */
  private final class Mounting {
    private final FuseLibrary library;
    private final LibFuse2 calls;
    private final Path directory;
    private final MountOptions options;
    private final PathCalls pathCalls;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment mountPointCell = arena.allocate(JAVA_LONG);
    private final NoticeQueue inodes;
    private final NoticeQueue names;
    private volatile String device = "";
    private long channel;
    private long session;
    private long fuse;

    Mounting(
        FuseLibrary library, Path directory, MountOptions options, KernelFileSystem fileSystem) {
      this.library = library;
      this.calls = library.calls();
      this.directory = directory;
      this.options = options;
      this.inodes = new NoticeQueue(this::tellOfInode, faults, NoticeQueue.LIMIT);
      this.names = new NoticeQueue(this::tellOfName, faults, NoticeQueue.LIMIT);
      this.pathCalls = new PathCalls(fileSystem, settings.pathLimit(), inodes::add, faults);
    }

    KernelMount mount() throws MountException, InterruptedException {
      boolean begun = false;
      try {
        begin();
        device = OurMounts.deviceNumber(directory);
        begun = true;
      } finally {
        if (!begun) {
          free();
        }
      }
      Session served =
          new Session(
              calls,
              session,
              channel,
              settings,
              faults,
              this::atEnd,
              this::atLast,
              new JnrNotifier(pathCalls.paths(), inodes, names));
      served.start();
      boolean complete = false;
      try {
        if (!pathCalls.initialised().await(HANDSHAKE.toSeconds(), TimeUnit.SECONDS)) {
          throw new MountException(
              Kind.REFUSED,
              "The kernel mounted but did not begin to talk within "
                  + HANDSHAKE.toSeconds()
                  + " s. Try again; dmesg may say more.");
        }
        complete = true;
        return new LinuxMount(NAME, directory, device, DATA_BYTES_MAX, served);
      } finally {
        if (!complete) {
          pathCalls.withhold();
          OurMounts.detach(directory);
        }
      }
    }

    private void begin() throws MountException {
      List<String> values = List.of(NAME, "-f", directory.toString(), "-o", optionText());
      MemorySegment arguments = arena.allocate(ADDRESS, values.size() + 1L);
      for (int i = 0; i < values.size(); i++) {
        arguments.setAtIndex(ADDRESS, i, arena.allocateFrom(values.get(i)));
      }
      MemorySegment multithreaded = arena.allocate(JAVA_LONG);
      // The table is the library's one; libfuse copies it.
      synchronized (library) {
        FuseOperations operations = library.operations();
        Callbacks.install(pathCalls, operations, arena);
        fuse =
            calls.fuse_setup(
                values.size(),
                arguments.address(),
                operations,
                Struct.size(operations),
                mountPointCell.address(),
                multithreaded.address(),
                0);
      }
      if (fuse == 0) {
        throw new MountException(
            Kind.REFUSED,
            "libfuse could not mount on "
                + directory
                + (Libc.geteuid() == 0
                    ? ". In a container, start it with --cap-add SYS_ADMIN; dmesg may say more."
                    : ". The folder must be this user's; others may enter only if /etc/fuse.conf"
                        + " says user_allow_other."));
      }
      session = calls.fuse_get_session(fuse);
      channel = calls.fuse_session_next_chan(session, 0);
    }

    private String optionText() {
      String seconds = String.format(Locale.ROOT, "%.3f", settings.validFor().toMillis() / 1000.0);
      return String.join(
              ",",
              "ro",
              "nosuid",
              "nodev",
              "noatime",
              "default_permissions",
              "use_ino",
              "hard_remove",
              "big_writes",
              "max_read=" + DATA_BYTES_MAX,
              "max_write=" + DATA_BYTES_MAX,
              "max_background=64",
              "congestion_threshold=48",
              "no_splice_read",
              "no_splice_write",
              "no_splice_move",
              "attr_timeout=" + seconds,
              "entry_timeout=" + seconds,
              "negative_timeout=0",
              "subtype=" + OurMounts.SUBTYPE,
              "fsname=" + escaped(OurMounts.source(options.name())))
          + (options.allowOther() ? ",allow_other" : "");
    }

    /** Where the kernel does not know the inode, it may know it by another number and that name. */
    private void tellOfInode(Notice notice) {
      int result = calls.fuse_lowlevel_notify_inval_inode(channel, notice.node(), 0, 0);
      if (result == -Libc.ENOENT && notice.folder() != PathTable.UNKNOWN) {
        boolean _ = names.add(Notice.ofName(notice.folder(), notice.name()));
      }
    }

    /** An error says that the kernel does not know it, and so believes nothing of it. */
    private void tellOfName(Notice notice) {
      byte[] name = notice.name().getBytes(StandardCharsets.ISO_8859_1);
      try (Arena own = Arena.ofConfined()) {
        MemorySegment bytes = own.allocate(name.length + 1L);
        MemorySegment.copy(name, 0, bytes, ValueLayout.JAVA_BYTE, 0, name.length);
        calls.fuse_lowlevel_notify_inval_entry(
            channel, notice.folder(), bytes.address(), name.length);
      }
    }

    private void atEnd() {
      OurMounts.leaveNoDeadMount(directory, device, faults);
    }

    private void atLast() {
      boolean told = inodes.end();
      told &= names.end();
      if (told) {
        free();
      } else {
        faults.report(
            "A notice to the kernel did not end: what libfuse holds of the mount is lost");
      }
      pathCalls.end();
    }

    private void free() {
      if (fuse != 0) {
        long mountPoint = mountPointCell.get(JAVA_LONG, 0);
        calls.fuse_unmount(mountPoint, channel);
        calls.fuse_destroy(fuse);
        calls.free(mountPoint);
      }
      arena.close();
    }
  }

  /** An option's value, with what would end it escaped as libfuse reads it. */
  private static String escaped(String value) {
    return value.replace("\\", "\\\\").replace(",", "\\,");
  }
}
