package io.wormhole.daemon.host;

import io.wormhole.protocol.wire.message.FailureCode;
import org.jspecify.annotations.Nullable;

/**
 * What a handle stands for: an open file or folder, or, past the bound on descriptors, its path and
 * identity. Then each use opens it anew, and another file at that path is STALE.
 *
 * @param <T> a file or a folder
 */
final class Hold<T extends SharedFolder.Open> implements AutoCloseable {
  private final RelativePath path;
  private final Opener<T> opener;
  private final FileStatus.Identity identity;
  private volatile @Nullable T open;

  /**
   * Takes over what is open.
   *
   * @param path where it was opened
   * @param status of what is open
   * @param opener how it is opened again
   */
  Hold(RelativePath path, T open, FileStatus status, Opener<T> opener) {
    this.path = path;
    this.open = open;
    this.identity = status.identity();
    this.opener = opener;
  }

  /** Closes the descriptor and goes on without. */
  void letGo() {
    T held = open;
    open = null;
    if (held != null) {
      held.close();
    }
  }

  /** Whether a descriptor is kept between uses. */
  boolean isHeld() {
    return open != null;
  }

  /**
   * What it stands for, for one use.
   *
   * @throws FailureException STALE when another file stands there now
   */
  Lease<T> lease() throws FailureException {
    T held = open;
    return held != null ? new Lease<>(held, false) : new Lease<>(reopen(), true);
  }

  @Override
  public void close() {
    T held = open;
    if (held != null) {
      held.close();
    }
  }

  private T reopen() throws FailureException {
    T again = openAgain();
    boolean same = false;
    try {
      same = again.status().identity().equals(identity);
    } finally {
      if (!same) {
        again.close();
      }
    }
    if (!same) {
      throw new FailureException(FailureCode.FAILURE_CODE_STALE);
    }
    return again;
  }

  private T openAgain() throws FailureException {
    try {
      return opener.open(path);
    } catch (FailureException refused) {
      throw switch (refused.code()) {
        case FAILURE_CODE_NOT_FOUND,
            FAILURE_CODE_NOT_A_FOLDER,
            FAILURE_CODE_IS_A_FOLDER,
            FAILURE_CODE_NOT_SERVED ->
            new FailureException(FailureCode.FAILURE_CODE_STALE);
        default -> refused;
      };
    }
  }

  /** Opens a path of the share. */
  interface Opener<T> {
    /** The caller closes what is returned. */
    T open(RelativePath path) throws FailureException;
  }

  /** One use; closes what was opened for it. */
  record Lease<T extends SharedFolder.Open>(T open, boolean once) implements AutoCloseable {
    @Override
    public void close() {
      if (once) {
        open.close();
      }
    }
  }
}
