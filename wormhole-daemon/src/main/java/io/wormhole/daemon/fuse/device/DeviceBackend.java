package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.FuseBackend;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import io.wormhole.daemon.fuse.mounts.Libc;
import io.wormhole.daemon.fuse.mounts.LinuxMount;
import io.wormhole.daemon.fuse.mounts.MountPoint;
import io.wormhole.daemon.fuse.mounts.OurMounts;
import java.nio.file.Path;
import java.util.function.LongSupplier;

/**
 * Mounts, as root by {@code mount(2)} and as anybody else by libfuse3's helper, and speaks the
 * kernel's protocol over {@code /dev/fuse} with no library between. Any thread may call.
 */
public final class DeviceBackend implements FuseBackend {
  /** What it is called. */
  public static final String NAME = "device";

  private final DeviceSettings settings;
  private final LongSupplier nanoTime;
  private final FaultLog faults;
  private final ReplyPool replies;

  /**
   * @param nanoTime a clock that only goes forward, like {@link System#nanoTime}
   */
  public DeviceBackend(DeviceSettings settings, LongSupplier nanoTime) {
    this.settings = settings;
    this.nanoTime = nanoTime;
    this.faults = new FaultLog(nanoTime);
    this.replies = new ReplyPool(Handshake.DATA_BYTES_MAX, settings.replyBytes());
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public KernelMount mount(MountOptions options, KernelFileSystem fileSystem)
      throws MountException, InterruptedException {
    Mounter mounter = Mounter.ofThisUser();
    Path directory = MountPoint.check(options.directory());
    Device device = mounter.mount(directory, options);
    boolean complete = false;
    try {
      String number = OurMounts.deviceNumber(directory);
      new Handshake(Libc.pageSize()).perform(device);
      Connection connection = connection(device, directory, number, fileSystem);
      connection.start();
      LinuxMount mount =
          new LinuxMount(NAME, directory, number, Handshake.DATA_BYTES_MAX, connection);
      mount.readAhead(Handshake.DATA_BYTES_MAX);
      complete = true;
      return mount;
    } finally {
      if (!complete) {
        device.close();
        OurMounts.detach(directory);
      }
    }
  }

  @Override
  public void check() throws MountException {
    Mounter.ofThisUser().check();
  }

  private Connection connection(
      Device device, Path directory, String number, KernelFileSystem fileSystem) {
    Dispatcher dispatcher =
        new Dispatcher(
            device,
            fileSystem,
            replies,
            faults,
            settings.readers(),
            settings.callLimit(),
            nanoTime);
    return new Connection(
        device,
        new RequestDecoder(Handshake.DATA_BYTES_MAX),
        dispatcher,
        new DeviceNotifier(device, dispatcher, faults, DeviceNotifier.LIMIT),
        faults,
        settings.readers(),
        () -> OurMounts.leaveNoDeadMount(directory, number, faults));
  }
}
