package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.MountTable;
import io.wormhole.protocol.control.MountTable.Mount;
import io.wormhole.protocol.control.UnmountAnswer.Unmounted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Takes mounts of ours away without asking their daemon, and only mounts of ours. */
final class ForcedUnmount {
  private static final int LOOK_SECONDS = 2;

  private ForcedUnmount() {}

  /**
   * Every mount at the directory, or of the name, is taken away; whoever waits in it gets an error.
   *
   * @return what was there
   * @throws ControlException if the kernel refuses
   */
  static List<Unmounted> at(Path directory, String name) throws ControlException, IOException {
    List<Unmounted> unmounted = new ArrayList<>();
    for (Mount mount : MountTable.mounts().reversed()) {
      if (mount.isOwn()
          && (mount.directory().equals(directory.toString()) || mount.source().equals(name))) {
        unmounted.add(unmount(mount));
      }
    }
    return unmounted;
  }

  /**
   * Takes away what no daemon serves any more.
   *
   * @param ours directories of mounts that may go
   * @param left is given those that may not: the next daemon of another home mounts them again
   */
  static List<Unmounted> deadMounts(Set<String> ours, Consumer<String> left)
      throws ControlException, IOException {
    List<Unmounted> unmounted = new ArrayList<>();
    for (Mount mount : MountTable.mounts().reversed()) {
      if (!mount.isOwn() || isServed(mount)) {
        continue;
      }
      if (ours.contains(mount.directory())) {
        unmounted.add(unmount(mount));
      } else {
        left.accept(mount.directory());
      }
    }
    return unmounted;
  }

  private static Unmounted unmount(Mount mount) throws ControlException, IOException {
    Optional<Mount> top = MountTable.at(Path.of(mount.directory()));
    if (top.isPresent() && !top.get().isOwn()) {
      throw new ControlException(
          ErrorKind.BUSY,
          "%s (%s) is mounted over %s"
              .formatted(top.get().source(), top.get().type(), mount.directory()),
          "unmount that first: umount " + mount.directory());
    }
    int errno = Umount2.force(mount.directory());
    boolean gone = errno == 0 || (errno == Umount2.EPERM && UserUnmount.force(mount));
    if (!gone) {
      throw new ControlException(
          errno == Umount2.EPERM ? ErrorKind.MISSING_PREREQUISITE : ErrorKind.FAILED,
          "the kernel does not unmount " + mount.directory() + ": error " + errno,
          errno == Umount2.EPERM ? "do it as root" : "umount -l " + mount.directory());
    }
    return new Unmounted(mount.source(), mount.directory());
  }

  /**
   * A dead mount answers with an error at once. One that does not answer may be another daemon's
   * that is only slow: it goes when its folder is given.
   */
  private static boolean isServed(Mount mount) {
    CompletableFuture<Boolean> answer = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          Path root = Path.of(mount.directory());
          answer.complete(Files.exists(root, LinkOption.NOFOLLOW_LINKS));
        });
    return answer.completeOnTimeout(true, LOOK_SECONDS, TimeUnit.SECONDS).join();
  }
}
