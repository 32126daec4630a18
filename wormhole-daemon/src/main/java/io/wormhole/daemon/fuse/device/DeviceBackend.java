package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.FuseBackend;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import io.wormhole.daemon.fuse.mounts.FuseDevice;
import io.wormhole.daemon.fuse.mounts.Libc;
import io.wormhole.daemon.fuse.mounts.LinuxMount;
import io.wormhole.daemon.fuse.mounts.MountPoint;
import io.wormhole.daemon.fuse.mounts.OurMounts;
import java.nio.file.Path;
import java.util.function.LongSupplier;

/**
 * Mounts by {@code mount(2)}, as root, and speaks the kernel's protocol over {@code /dev/fuse} with
 * no library between. Any thread may call.
 */
public final class DeviceBackend implements FuseBackend {
  /** What it is called. */
  public static final String NAME = "device";

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

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public KernelMount mount(MountOptions options, KernelFileSystem fileSystem)
      throws MountException, InterruptedException {
    requireRoot();
    Path directory = MountPoint.check(options.directory());
    Device device = new Device(FuseDevice.open());
    boolean mounted = false;
    boolean complete = false;
    try {
      mount(device, directory, options);
      mounted = true;
      String number = OurMounts.deviceNumber(directory);
      new Handshake(Libc.pageSize()).perform(device);
      Connection connection = connection(device, directory, number, fileSystem);
      connection.start();
      complete = true;
      return new LinuxMount(NAME, directory, number, connection);
    } finally {
      if (!complete) {
        device.close();
        if (mounted) {
          OurMounts.detach(directory);
        }
      }
    }
  }

  @Override
  public void check() throws MountException {
    requireRoot();
    Libc.close(FuseDevice.open());
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
        () -> OurMounts.leaveNoDeadMount(directory, number, faults));
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
            OurMounts.source(options.name()),
            directory.toString(),
            OurMounts.TYPE,
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
}
