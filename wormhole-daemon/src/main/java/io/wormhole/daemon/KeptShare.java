package io.wormhole.daemon;

import io.wormhole.protocol.control.HostRequest;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A share that is the daemon's own, as it is hosted again after a restart. Its codes are not: they
 * end with the daemon.
 *
 * @param directory the folder's path without links
 * @param shareId of the folder that was there: another one at the same path is not shared
 * @param name what was asked for; null for the one it has
 * @param bind {@code ADDR:PORT}, with the port that was bound; null for all interfaces
 * @param onlyNew whether peers who proved a code before {@code since} need a new one
 * @param since ISO 8601
 */
record KeptShare(
    String directory,
    String shareId,
    @Nullable String name,
    @Nullable String bind,
    List<String> excludes,
    boolean onlyNew,
    String since) {
  KeptShare {
    Objects.requireNonNull(directory, "directory");
    Objects.requireNonNull(shareId, "shareId");
    Objects.requireNonNull(since, "since");
    excludes = excludes == null ? List.of() : List.copyOf(excludes);
  }

  HostRequest request() {
    return new HostRequest(directory, name, bind, null, null, false, excludes, onlyNew, true);
  }
}
