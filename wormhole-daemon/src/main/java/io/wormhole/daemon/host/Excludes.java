package io.wormhole.daemon.host;

import java.util.ArrayList;
import java.util.List;

/**
 * What a share does not show: what any of its owners excludes, as long as he is one. Each owner's
 * patterns stay as he gave them; those of a further owner count at once for everybody, also for
 * what is open, and end with him. Any thread.
 */
public final class Excludes {
  /** Replaced as a whole. */
  private volatile List<ExcludeGlobs> owners = List.of();

  Excludes() {}

  /** Counts from the next request on. */
  public synchronized void add(ExcludeGlobs globs) {
    List<ExcludeGlobs> more = new ArrayList<>(owners);
    more.add(globs);
    owners = List.copyOf(more);
  }

  /** Takes back one {@link #add} of the same object. */
  public synchronized void remove(ExcludeGlobs globs) {
    List<ExcludeGlobs> fewer = new ArrayList<>(owners);
    fewer.remove(globs);
    owners = List.copyOf(fewer);
  }

  /** What counts now. */
  List<ExcludeGlobs> now() {
    return owners;
  }

  /** Whether what stands at a path, or would, is not shown. */
  static boolean exclude(List<ExcludeGlobs> owners, RelativePath path, boolean folder) {
    for (ExcludeGlobs globs : owners) {
      if (!globs.isEmpty() && globs.excludes(path.joined(), folder)) {
        return true;
      }
    }
    return false;
  }
}
