package io.wormhole.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What this home's daemon has mounted, kept in {@code mounts.json} until it is unmounted. A daemon
 * that was killed has left dead mounts there, which are the next one's to clear and nobody else's;
 * and however the daemon ended, the next one mounts it all again. Any thread.
 */
final class MountedFolders {
  private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

  private final StateList<KeptMount> mounts;
  private final String boot;

  /**
   * @param file of this home
   * @throws IOException if what an earlier daemon of this home has left cannot be read
   */
  MountedFolders(Path file) throws IOException {
    mounts = new StateList<>(file, KeptMount.class);
    boot = Files.readString(BOOT).strip();
  }

  /**
   * Forgets what somebody else has unmounted behind a daemon that was killed: what it had mounted
   * since the machine was started, and is not there. Nothing is counted as mounted after this.
   *
   * @param isMounted asked before the mounts that such a daemon has left are cleared
   */
  void settle(Predicate<KeptMount> isMounted) throws IOException {
    var _ = mounts.removeIf(each -> each.boot().equals(boot) && !isMounted.test(each));
    letGo();
  }

  /** What an earlier daemon has mounted since the machine was started, if it is there still. */
  List<KeptMount> left() {
    return mounts.all().stream().filter(mount -> mount.boot().equals(boot)).toList();
  }

  /** This daemon is about to unmount them all itself; the next one mounts them again. */
  void letGo() throws IOException {
    mounts.replaceAll(KeptMount::notMounted);
  }

  List<KeptMount> all() {
    return mounts.all();
  }

  Optional<KeptMount> at(Path folder) {
    return mounts.all().stream().filter(mount -> mount.path().equals(folder)).findFirst();
  }

  /** Whether nothing was kept of the folder before; what was stays as it is. */
  synchronized boolean add(KeptMount mount) throws IOException {
    if (at(mount.path()).isPresent()) {
      return false;
    }
    mounts.put(_ -> false, mount.mountedIn(boot));
    return true;
  }

  /** What is kept is mounted now; what was removed meanwhile stays so. */
  void mounted(KeptMount mount) throws IOException {
    mounts.replaceAll(
        each -> each.directory().equals(mount.directory()) ? mount.mountedIn(boot) : each);
  }

  void remove(Path folder) throws IOException {
    var _ = mounts.removeIf(mount -> mount.directory().equals(folder.toString()));
  }
}
