package io.wormhole.daemon.fuse.device;

/**
 * How the device backend is set up.
 *
 * @param readers threads that take requests from one mount's device, 1 to 4
 * @param callLimit calls into one file system that may be under way at once; past it the kernel
 *     hears ENOMEM
 * @param dataReplyLimit replies of up to 128 KiB that exist at once, of all mounts; past it a read
 *     waits for another one's to be sent
 */
public record DeviceSettings(int readers, int callLimit, int dataReplyLimit) {
  /** Two readers, 4096 calls, 256 replies (32 MiB). */
  public static final DeviceSettings DEFAULTS = new DeviceSettings(2, 4096, 256);

  public DeviceSettings {
    if (readers < 1 || readers > 4 || callLimit < 1 || dataReplyLimit < 1) {
      throw new IllegalArgumentException(
          "readers " + readers + ", calls " + callLimit + ", replies " + dataReplyLimit);
    }
  }
}
