package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import io.wormhole.daemon.fuse.MountOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.LongSupplier;

/**
 * Mounts by {@code mount(2)}, as root, and speaks the kernel's protocol over {@code /dev/fuse} with
 * no library between. Any thread may call.
 */
public final class DeviceBackend {
  /** The type of our mounts in the kernel's table. */
  static final String TYPE = "fuse.wormhole";

  private static final int NAME_MAX = 200;

  private final DeviceSettings settings;
  private final FaultLog faults;
  private final ReplyPool replies;

  /**
   * @param nanoTime a clock that only goes forward, like {@link System#nanoTime}
   */
  public DeviceBackend(DeviceSettings settings, LongSupplier nanoTime) {
    this.settings = settings;
    this.faults = new FaultLog(nanoTime);
    this.replies = new ReplyPool(Handshake.DATA_BYTES_MAX, settings.dataReplyLimit());
  }

  /**
   * Mounts; the mount answers when this returns. Must not be called from within a file system of
   * ours.
   *
   * @param fileSystem called from now on until {@link KernelFileSystem#destroyed}; not at all if
   *     this fails
   */
  public KernelMount mount(MountOptions options, KernelFileSystem fileSystem)
      throws MountException, InterruptedException {
    requireRoot();
    Path directory = MountPoint.check(options.directory());
    Device device = openDevice();
    boolean mounted = false;
    boolean complete = false;
    try {
      mount(device, directory, options);
      mounted = true;
      String number = deviceNumber(directory);
      new Handshake(Libc.pageSize()).perform(device);
      Connection connection = connection(device, directory, number, fileSystem);
      connection.start();
      complete = true;
      return new DeviceMount(directory, number, connection);
    } finally {
      if (!complete) {
        device.close();
        if (mounted) {
          detach(directory);
        }
      }
    }
  }

  /**
   * Finds out whether this process can mount at all, before anything else is begun.
   *
   * @throws MountException of kind {@code NOT_ROOT} or {@code NO_DEVICE} if it cannot
   */
  public void check() throws MountException {
    requireRoot();
    openDevice().close();
  }

  private static void requireRoot() throws MountException {
    if (Libc.geteuid() != 0) {
      throw new MountException(Kind.NOT_ROOT, "mounting needs root for now: run it with sudo");
    }
  }

  private Connection connection(
      Device device, Path directory, String number, KernelFileSystem fileSystem) {
    Dispatcher dispatcher =
        new Dispatcher(
            device, fileSystem, replies, faults, settings.readers(), settings.callLimit());
    return new Connection(
        device,
        new RequestDecoder(Handshake.DATA_BYTES_MAX),
        dispatcher,
        faults,
        settings.readers(),
        () -> leaveNoDeadMount(directory, number));
  }

  private static Device openDevice() throws MountException {
    int descriptor = Libc.open(Device.PATH, Libc.O_RDWR | Libc.O_CLOEXEC);
    if (descriptor >= 0) {
      return new Device(descriptor);
    }
    throw new MountException(
        Kind.NO_DEVICE,
        switch (-descriptor) {
          case Libc.ENOENT, Libc.ENODEV ->
              Device.PATH
                  + " is missing. Run: modprobe fuse; in a container, start it with"
                  + " --device /dev/fuse.";
          case Libc.EPERM, Libc.EACCES ->
              Device.PATH
                  + " may not be opened. In a container, start it with --device /dev/fuse"
                  + " and --cap-add SYS_ADMIN.";
          default ->
              Device.PATH
                  + " cannot be opened, error number "
                  + -descriptor
                  + ". Run: modprobe fuse.";
        });
  }

  private static void mount(Device device, Path directory, MountOptions options)
      throws MountException {
    String text =
        "fd="
            + device.descriptor()
            + ",rootmode=40000,user_id="
            + Libc.geteuid()
            + ",group_id="
            + Libc.getegid()
            + ",default_permissions,max_read="
            + Handshake.DATA_BYTES_MAX
            + (options.allowOther() ? ",allow_other" : "");
    int result =
        Libc.mount(
            source(options.name()),
            directory.toString(),
            TYPE,
            Libc.MS_RDONLY | Libc.MS_NOSUID | Libc.MS_NODEV | Libc.MS_NOATIME,
            text);
    switch (-result) {
      case 0 -> {}
      case Libc.EPERM, Libc.EACCES ->
          throw new MountException(
              Kind.REFUSED,
              "The kernel does not let this process mount on "
                  + directory
                  + ". In a container, start it with --cap-add SYS_ADMIN.");
      case Libc.ENOENT, Libc.ENOTDIR ->
          throw new MountException(
              Kind.MOUNT_POINT_MISSING, directory + " was taken away just now. Make it again.");
      default ->
          throw new MountException(
              Kind.REFUSED,
              "The kernel refused to mount on " + directory + ", error number " + -result + ".");
    }
  }

  /**
   * A name fit for the table of mounts: the kernel escapes what its own format cannot hold, control
   * characters would still reach somebody's terminal.
   */
  static String source(String name) {
    String shown =
        name.codePoints()
            .limit(NAME_MAX)
            .map(c ->
                Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE ? '?' : c)
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    return shown.isBlank() ? "wormhole" : shown;
  }

  private static String deviceNumber(Path directory) throws MountException {
    try {
      return MountTable.read()
          .at(directory.toString())
          .filter(mount -> mount.type().equals(TYPE))
          .orElseThrow(() ->
              new MountException(
                  Kind.REFUSED, "The new mount on " + directory + " is gone already."))
          .device();
    } catch (IOException e) {
      throw new MountException(
          Kind.REFUSED, "The table of mounts cannot be read: " + e.getMessage());
    }
  }

  /** When a connection was aborted, its mount is left and answers ENOTCONN only. */
  private void leaveNoDeadMount(Path directory, String number) {
    try {
      boolean left =
          MountTable.read()
              .at(directory.toString())
              .filter(mount -> mount.device().equals(number))
              .isPresent();
      if (left) {
        detach(directory);
      }
    } catch (IOException e) {
      faults.report("The table of mounts cannot be read", e);
    }
  }

  private static void detach(Path directory) {
    Libc.umount2(directory.toString(), Libc.MNT_DETACH | Libc.UMOUNT_NOFOLLOW);
  }
}
