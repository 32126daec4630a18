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
 * Mounts, as root by {@code mount(2)} and as anybody else by libfuse3's helper, and speaks the
 * kernel's protocol over {@code /dev/fuse} with no library between. Any thread may call.
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
    Mounter mounter = Mounter.ofThisUser();
    Path directory = MountPoint.check(options.directory());
    Device device = mounter.mount(directory, options);
    boolean complete = false;
    try {
      String number = deviceNumber(directory);
      new Handshake(Libc.pageSize()).perform(device);
      Connection connection = connection(device, directory, number, fileSystem);
      connection.start();
      complete = true;
      return new DeviceMount(directory, number, connection);
    } finally {
      if (!complete) {
        device.close();
        Unmount.lazily(directory);
      }
    }
  }

  /**
   * Finds out whether this process can mount at all, before anything else is begun.
   *
   * @throws MountException of kind {@code NOT_ROOT} or {@code NO_DEVICE} if it cannot
   */
  public void check() throws MountException {
    Mounter.ofThisUser().check();
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
        new DeviceNotifier(device, dispatcher, faults, DeviceNotifier.LIMIT),
        faults,
        settings.readers(),
        () -> leaveNoDeadMount(directory, number));
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
        Unmount.lazily(directory);
      }
    } catch (IOException e) {
      faults.report("The table of mounts cannot be read", e);
    }
  }
}
