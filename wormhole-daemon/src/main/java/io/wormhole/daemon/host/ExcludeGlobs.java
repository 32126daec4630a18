package io.wormhole.daemon.host;

import io.wormhole.daemon.host.ShareException.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * The patterns one owner of a share gave, in his order: the last one that matches a name decides,
 * and below a folder that is excluded everything is. Immutable; its tables take at most 10 MiB, and
 * a hundredth of that for patterns as people write them.
 */
public final class ExcludeGlobs {
  /** Patterns of one owner. */
  static final int MAX_GLOBS = 256;

  /** Excludes nothing. */
  public static final ExcludeGlobs NONE = new ExcludeGlobs(List.of());

  private static final byte SLASH = '/';

  private final List<ExcludeGlob> globs;

  private ExcludeGlobs(List<ExcludeGlob> globs) {
    this.globs = List.copyOf(globs);
  }

  /**
   * Reads patterns.
   *
   * @throws ShareException BAD_EXCLUDE if one can match nothing or is longer than 1 KiB, or there
   *     are more than 256
   */
  public static ExcludeGlobs of(List<String> patterns) throws ShareException {
    if (patterns.size() > MAX_GLOBS) {
      throw new ShareException(
          Kind.BAD_EXCLUDE,
          "cannot exclude %d patterns: at most %d are taken".formatted(patterns.size(), MAX_GLOBS),
          "exclude a folder as a whole, or use wildcards");
    }
    List<ExcludeGlob> globs = new ArrayList<>();
    for (String pattern : patterns) {
      globs.add(ExcludeGlob.parse(pattern));
    }
    return new ExcludeGlobs(globs);
  }

  /** Whether nothing can be excluded. */
  boolean isEmpty() {
    return globs.isEmpty();
  }

  /**
   * Whether a path, or a folder above it, is excluded.
   *
   * @param path names joined by slashes; the root, which never is, has none
   * @param folder whether a folder stands there, or would
   */
  boolean excludes(byte[] path, boolean folder) {
    Walk walk = new Walk();
    int from = 0;
    for (int i = 0; i < path.length; i++) {
      if (path[i] == SLASH) {
        if (walk.name(path, from, i, true)) {
          return true;
        }
        walk.step(SLASH);
        from = i + 1;
      }
    }
    return path.length > 0 && walk.name(path, from, path.length, folder);
  }

  /**
   * For the entries of a folder.
   *
   * @param path a folder that is not excluded
   */
  Walk below(byte[] path) {
    Walk walk = new Walk();
    for (byte octet : path) {
      walk.step(octet);
    }
    if (path.length > 0) {
      walk.step(SLASH);
    }
    return walk;
  }

  /** A walk down to a folder. One thread. */
  final class Walk {
    private final List<ExcludeGlob.Walk> walks;

    private Walk() {
      walks = globs.stream().map(ExcludeGlob::start).toList();
    }

    private Walk(Walk other) {
      walks = other.walks.stream().map(ExcludeGlob.Walk::copy).toList();
    }

    /** Whether an entry of the folder that the walk has come to is excluded. */
    boolean excludes(byte[] name, boolean folder) {
      return new Walk(this).name(name, 0, name.length, folder);
    }

    private boolean name(byte[] path, int from, int to, boolean folder) {
      for (int i = from; i < to; i++) {
        step(path[i]);
      }
      for (ExcludeGlob.Walk walk : walks.reversed()) {
        ExcludeGlob glob = walk.glob();
        if ((folder || !glob.foldersOnly()) && walk.matches()) {
          return !glob.negated();
        }
      }
      return false;
    }

    private void step(byte octet) {
      for (ExcludeGlob.Walk walk : walks) {
        walk.step(octet);
      }
    }
  }
}
