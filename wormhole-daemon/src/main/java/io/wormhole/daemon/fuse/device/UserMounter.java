package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.mounts.FuseDevice;
import io.wormhole.daemon.fuse.mounts.Fusermount;
import io.wormhole.daemon.fuse.mounts.Libc;
import io.wormhole.daemon.fuse.mounts.OurMounts;
import io.wormhole.daemon.fuse.mounts.Unmount;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Mounts for whoever is not root: libfuse3 has the set-uid helper {@code fusermount3} do it, which
 * looks after what an ordinary user may mount where, and hands the device back.
 */
final class UserMounter implements Mounter {
  private static final long LIMIT_SECONDS = 15;
  private static final Path CONFIGURATION = Path.of("/etc/fuse.conf");

  @Override
  public void check() throws MountException {
    if (LibFuse3.find().isEmpty()) {
      throw new MountException(
          Kind.NOT_ROOT,
          "To mount as an ordinary user, libfuse3 is missing. Install the package fuse3 (on Debian"
              + " and Ubuntu: apt install fuse3), or mount as root.");
    }
    Fusermount.check(Fusermount.NAME);
    Libc.close(FuseDevice.open());
  }

  @Override
  public Device mount(Path directory, MountOptions options)
      throws MountException, InterruptedException {
    check();
    if (options.allowOther() && !allowsOthers(configuration())) {
      throw new MountException(
          Kind.NOT_ROOT,
          "An ordinary user may let other users in only if "
              + CONFIGURATION
              + " has the line user_allow_other. Have root add it, or mount without"
              + " --allow-other.");
    }
    if (!Files.isWritable(directory)) {
      throw new MountException(
          Kind.UNREADABLE,
          directory
              + " cannot be written by this user, who may mount on own folders only. Name another"
              + " folder.");
    }
    LibFuse3 library = LibFuse3.find().orElseThrow();
    CompletableFuture<Integer> mounted = new CompletableFuture<>();
    Thread.ofPlatform()
        .name("fuse-mount")
        .daemon()
        .start(() -> {
          try {
            mounted.complete(library.mount(directory.toString(), text(options)));
          } catch (RuntimeException e) {
            mounted.completeExceptionally(e);
          }
        });
    int descriptor = await(mounted, directory);
    if (descriptor < 0) {
      throw new MountException(
          Kind.REFUSED,
          Fusermount.NAME
              + " refused to mount on "
              + directory
              + "; daemon.out beside the log has its words. Name an empty folder of your own, on a"
              + " local disk.");
    }
    return new Device(descriptor);
  }

  /** The helper may hang where the mount point does; what it mounts too late is taken away. */
  private static int await(CompletableFuture<Integer> mounted, Path directory)
      throws MountException, InterruptedException {
    try {
      return mounted.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (TimeoutException e) {
      var _ =
          mounted.thenAccept(descriptor -> {
            if (descriptor >= 0) {
              Unmount.lazily(directory);
              Libc.close(descriptor);
            }
          });
      throw new MountException(
          Kind.REFUSED,
          "Mounting on "
              + directory
              + " did not finish within "
              + LIMIT_SECONDS
              + " s. Name a folder on a local disk.");
    }
  }

  /** The options as the helper takes them: in a list parted by commas. */
  static String text(MountOptions options) {
    String source = OurMounts.source(options.name()).replace("\\", "\\\\").replace(",", "\\,");
    return "fsname="
        + source
        + ",subtype="
        + OurMounts.SUBTYPE
        + ",ro,nosuid,nodev,noatime,default_permissions,max_read="
        + Handshake.DATA_BYTES_MAX
        + (options.allowOther() ? ",allow_other" : "");
  }

  /** Whether the helper's configuration has the line that lets users let others in. */
  static boolean allowsOthers(String configuration) {
    return configuration.lines().anyMatch(line -> line.strip().equals("user_allow_other"));
  }

  private static String configuration() {
    try {
      return Files.readString(CONFIGURATION, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }
}
