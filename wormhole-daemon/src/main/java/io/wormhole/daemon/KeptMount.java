package io.wormhole.daemon;

import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is mounted where, as it is mounted again after a restart: without a code, by the host's key.
 *
 * @param directory the mount point, absolute
 * @param host the host's key
 * @param share its id
 * @param name what the mount is called
 * @param foreground whether it belongs to a command, and is not mounted again
 * @param allowOther whether other users may enter it
 * @param fuse what was asked to carry it; null where nothing was
 * @param boot which run of the machine it is mounted in; empty where its daemon has unmounted it,
 *     or waits for its host
 * @param device of the mount in that run, {@code major:minor}; empty where it is not known
 */
record KeptMount(
    String directory,
    String host,
    String share,
    String name,
    boolean foreground,
    boolean allowOther,
    @Nullable String fuse,
    String boot,
    @Nullable String device) {
  private static final String NOT_MOUNTED = "";

  KeptMount {
    Objects.requireNonNull(directory, "directory");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(boot, "boot");
    Fingerprint.parse(host);
    ShareId.parse(share);
  }

  static KeptMount of(
      Path directory,
      Fingerprint host,
      ShareId share,
      String name,
      boolean foreground,
      boolean allowOther,
      @Nullable String fuse) {
    return new KeptMount(
        directory.toString(),
        host.toString(),
        share.toString(),
        name,
        foreground,
        allowOther,
        fuse,
        NOT_MOUNTED,
        null);
  }

  KeptMount mountedIn(String thisBoot) {
    return new KeptMount(
        directory, host, share, name, foreground, allowOther, fuse, thisBoot, device);
  }

  /** The same, with what the kernel calls the mount. */
  KeptMount as(String mountedDevice) {
    return new KeptMount(
        directory, host, share, name, foreground, allowOther, fuse, boot, mountedDevice);
  }

  KeptMount notMounted() {
    return new KeptMount(
        directory, host, share, name, foreground, allowOther, fuse, NOT_MOUNTED, null);
  }

  Path path() {
    return Path.of(directory);
  }

  Fingerprint hostKey() {
    return Fingerprint.parse(host);
  }

  ShareId shareId() {
    return ShareId.parse(share);
  }
}
