package io.wormhole.daemon.fuse.device;

/**
 * How the device backend is set up.
 *
 * @param readers threads that take requests from one mount's device, 1 to 4
 * @param callLimit calls into one file system that may be under way at once; past it the kernel
 *     hears ENOMEM
 * @param replyBytes what replies with data take at once, of all mounts; past it a read waits for
 *     another one's to be sent
 */
public record DeviceSettings(int readers, int callLimit, long replyBytes) {
  /** Two readers, 4096 calls, replies of 32 MiB. */
  public static final DeviceSettings DEFAULTS = new DeviceSettings(2, 4096, 32L << 20);

  public DeviceSettings {
    if (readers < 1 || readers > 4 || callLimit < 1 || replyBytes < 1) {
      throw new IllegalArgumentException(
          "readers " + readers + ", calls " + callLimit + ", replies of " + replyBytes);
    }
  }
}
