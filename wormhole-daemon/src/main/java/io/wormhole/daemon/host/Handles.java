package io.wormhole.daemon.host;

import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.FailureCode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The files and listings one peer has open. At most {@link Limits#OPEN_HANDLES} of them keep a
 * descriptor, fewer when the process has none to spare; {@link #MOST} of them may be open in all.
 * Numbers go up from 1 and are never used again. Any thread.
 */
final class Handles implements AutoCloseable {
  /** A handle without a descriptor keeps a path of at most 4 KiB. */
  static final int MOST = 16 * Limits.OPEN_HANDLES;

  private final DescriptorBudget budget;
  private final Map<Long, Handle> open = new HashMap<>();
  private long last;
  private int held;
  private boolean closed;

  Handles(DescriptorBudget budget) {
    this.budget = budget;
  }

  /**
   * Takes over a handle and gives it a number, not zero.
   *
   * @throws FailureException TOO_MANY_OPEN past the bound, BAD_HANDLE when the session has ended;
   *     the handle is closed then
   */
  long add(Handle handle) throws FailureException {
    FailureCode refusal;
    synchronized (this) {
      if (!closed && open.size() < MOST) {
        if (held < Limits.OPEN_HANDLES && budget.take()) {
          held++;
        } else {
          handle.hold().letGo();
        }
        open.put(++last, handle);
        return last;
      }
      refusal =
          closed ? FailureCode.FAILURE_CODE_BAD_HANDLE : FailureCode.FAILURE_CODE_TOO_MANY_OPEN;
    }
    handle.hold().close();
    throw new FailureException(refusal);
  }

  /**
   * The file of that number.
   *
   * @throws FailureException BAD_HANDLE when there is no such file
   */
  FileHandle file(long number) throws FailureException {
    if (any(number) instanceof FileHandle file) {
      return file;
    }
    throw new FailureException(FailureCode.FAILURE_CODE_BAD_HANDLE);
  }

  /**
   * The listing of that number.
   *
   * @throws FailureException BAD_HANDLE when there is no such listing
   */
  FolderListing listing(long number) throws FailureException {
    if (any(number) instanceof FolderListing listing) {
      return listing;
    }
    throw new FailureException(FailureCode.FAILURE_CODE_BAD_HANDLE);
  }

  /**
   * What has that number.
   *
   * @throws FailureException BAD_HANDLE when nothing has
   */
  synchronized Handle any(long number) throws FailureException {
    Handle handle = open.get(number);
    if (handle == null) {
      throw new FailureException(FailureCode.FAILURE_CODE_BAD_HANDLE);
    }
    return handle;
  }

  /** Closes one; an unknown number is none. */
  void close(long number) {
    Handle handle;
    synchronized (this) {
      handle = open.remove(number);
      if (handle != null) {
        forget(handle);
      }
    }
    if (handle != null) {
      handle.hold().close();
    }
  }

  /** How many are open, and how many of them by descriptor. */
  synchronized Count count() {
    return new Count(open.size(), held);
  }

  /** Closes all; later ones are refused. */
  @Override
  public void close() {
    List<Handle> all;
    synchronized (this) {
      closed = true;
      all = new ArrayList<>(open.values());
      open.clear();
      all.forEach(this::forget);
    }
    all.forEach(handle -> handle.hold().close());
  }

  private void forget(Handle handle) {
    if (handle.hold().isHeld()) {
      held--;
      budget.giveBack();
    }
  }

  /** A file or a listing. */
  sealed interface Handle permits FileHandle, FolderListing {
    Hold<?> hold();
  }

  /** A regular file. */
  record FileHandle(Hold<SharedFolder.OpenFile> hold) implements Handle {}

  record Count(int open, int held) {}
}
