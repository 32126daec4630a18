package io.wormhole.daemon.fuse.mounts;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far the kernel reads ahead of a program: 128 KiB on a new mount, more where root may say so
 * ({@code Documentation/ABI/testing/sysfs-class-bdi}). Longer reads cost less of both sides; where
 * a path is slow, shorter ones make a program wait less for what it did not ask for.
 */
final class ReadAheadWindow {
  private static final Logger log = LoggerFactory.getLogger(ReadAheadWindow.class);
  private static final Path DEVICES = Path.of("/sys/class/bdi");

  private ReadAheadWindow() {}

  /**
   * Sets a mount's window, if this process may.
   *
   * @param device of the mount, {@code major:minor}
   */
  static void set(String device, int bytes) {
    Path file = DEVICES.resolve(device).resolve("read_ahead_kb");
    try {
      Files.writeString(file, Integer.toString(bytes >> 10), StandardOpenOption.WRITE);
    } catch (IOException refused) {
      log.debug("The kernel reads ahead as far as it does by itself: {}", refused.toString());
    }
  }
}
