package io.wormhole.daemon;

import io.wormhole.daemon.fuse.FuseBackend;
import io.wormhole.daemon.fuse.MountException;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.settings.Setting;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which backend carries a mount. Any thread. */
final class FuseChoice {
  private static final String AUTO = "auto";

  private final List<FuseBackend> backends;
  private final String set;

  /**
   * A backend that can mount.
   *
   * @param why for a person
   */
  record Chosen(FuseBackend backend, String why) {}

  /**
   * @param backends the best one first
   * @param set the setting: {@code auto}, or a backend's name
   */
  FuseChoice(List<FuseBackend> backends, String set) {
    this.backends = List.copyOf(backends);
    this.set = set;
  }

  /**
   * The backend that was asked for, else the one that is set, else the best one that can mount
   * here.
   *
   * @param asked {@code auto}, or a backend's name; null for what is set
   * @throws MountException if the one that is meant cannot mount here; where any would do, says
   *     what the best one lacks
   */
  Chosen choose(@Nullable String asked) throws MountException, ControlException {
    String wanted = asked == null ? set : asked;
    if (wanted.equals(AUTO)) {
      return best();
    }
    for (FuseBackend backend : backends) {
      if (backend.name().equals(wanted)) {
        backend.check();
        return new Chosen(
            backend, asked == null ? "set by " + Setting.MOUNT_FUSE.key() : "asked for");
      }
    }
    throw new ControlException(
        ErrorKind.USAGE,
        "there is no way to mount by that name",
        "it is " + Setting.MOUNT_FUSE.allowedWords());
  }

  private Chosen best() throws MountException {
    MountException first = null;
    for (FuseBackend backend : backends) {
      try {
        backend.check();
        return new Chosen(
            backend,
            first == null ? "the best one here" : "the best one cannot: " + first.getMessage());
      } catch (MountException cannot) {
        first = first == null ? cannot : first;
      }
    }
    throw first == null
        ? new MountException(MountException.Kind.REFUSED, "There is nothing to mount with.")
        : first;
  }
}
