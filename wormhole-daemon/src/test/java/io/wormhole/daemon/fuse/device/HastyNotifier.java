package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.MemoryFileSystem;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import io.wormhole.daemon.fuse.mounts.FuseDevice;
import io.wormhole.daemon.fuse.mounts.Libc;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes to the only device that is open in this process, knows of no call that is under way, and
 * so waits for none: its thread gets stuck where the real one takes care not to.
 */
final class HastyNotifier implements AutoCloseable {
  private final Dispatcher ignorant;
  private final DeviceNotifier notifier;

  HastyNotifier() throws IOException {
    FaultLog faults = new FaultLog(System::nanoTime);
    Device device = new Device(Libc.duplicate(descriptorOfDevice()));
    ignorant =
        new Dispatcher(
            device, new MemoryFileSystem(), new ReplyPool(4096, 1), faults, 1, 1, System::nanoTime);
    notifier = new DeviceNotifier(device, ignorant, faults, 1);
  }

  boolean inode(long node) {
    return notifier.inode(node);
  }

  private static int descriptorOfDevice() throws IOException {
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path descriptor : descriptors) {
        if (Files.isSymbolicLink(descriptor)
            && Files.readSymbolicLink(descriptor).equals(Path.of(FuseDevice.PATH))) {
          return Integer.parseInt(descriptor.getFileName().toString());
        }
      }
    }
    throw new AssertionError("no device is open");
  }

  @Override
  public void close() {
    notifier.stop();
    ignorant.letGo();
  }
}
