package io.wormhole.daemon;

import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/**
 * A file or folder of a share that is kept on this disk.
 *
 * @param id what the disk cache knows it by, 1 or more
 * @param way the same, of what leads to it, which all pins of a share have in common
 * @param path where it was mounted, absolute
 * @param host the host's key
 * @param share its id
 * @param names from the share's root down
 * @param bytes what it took of the disk when it was pinned
 */
record KeptPin(
    int id, int way, String path, String host, String share, List<String> names, long bytes) {
  KeptPin {
    Objects.requireNonNull(path, "path");
    Fingerprint.parse(host);
    ShareId.parse(share);
    names = List.copyOf(names);
    if (id < 1 || way < 1) {
      throw new IllegalArgumentException("a pin of the number " + id + " or " + way);
    }
  }

  boolean isOf(RunningMount mount) {
    return mount.source().host().toString().equals(host)
        && mount.source().share().toString().equals(share);
  }

  boolean isOfShareOf(KeptPin other) {
    return host.equals(other.host) && share.equals(other.share);
  }

  /** Whether another is this one, or below it. */
  boolean covers(KeptPin other) {
    return isOfShareOf(other)
        && other.names.size() >= names.size()
        && other.names.subList(0, names.size()).equals(names);
  }

  /** The same, of such a size. */
  KeptPin of(int sharedWay, long measuredBytes) {
    return new KeptPin(id, sharedWay, path, host, share, names, measuredBytes);
  }

  /** The names as the host knows them. */
  List<byte[]> wireNames() {
    return names.stream().map(name -> name.getBytes(StandardCharsets.UTF_8)).toList();
  }
}
