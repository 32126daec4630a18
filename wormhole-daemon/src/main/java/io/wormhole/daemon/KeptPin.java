package io.wormhole.daemon;

import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A file or folder of a share that is kept on this disk.
 *
 * @param id what the disk cache knows it by, 1 or more
 * @param path where it was mounted, absolute
 * @param host the host's key
 * @param share its id
 * @param names from the share's root down
 */
record KeptPin(int id, String path, String host, String share, List<String> names) {
  KeptPin {
    Objects.requireNonNull(path, "path");
    Fingerprint.parse(host);
    ShareId.parse(share);
    names = List.copyOf(names);
    if (id < 1) {
      throw new IllegalArgumentException("a pin of the number " + id);
    }
  }

  /** What the disk cache knows them by. */
  static Set<Integer> ids(StateList<KeptPin> pins) {
    return pins.all().stream().map(KeptPin::id).collect(Collectors.toSet());
  }

  boolean isOf(RunningMount mount) {
    return mount.source().host().toString().equals(host)
        && mount.source().share().toString().equals(share);
  }

  /** Whether another is this one, or below it. */
  boolean covers(KeptPin other) {
    return host.equals(other.host)
        && share.equals(other.share)
        && other.names.size() >= names.size()
        && other.names.subList(0, names.size()).equals(names);
  }

  /** The names as the host knows them. */
  List<byte[]> wireNames() {
    return names.stream().map(name -> name.getBytes(StandardCharsets.UTF_8)).toList();
  }
}
