package io.wormhole.daemon.fuse;

/** A file system could not be mounted. The message says what is wrong and what to do. */
public final class MountException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What stood in the way. */
  public enum Kind {
    /** Not root, and what lets anybody else mount, or mount like that, is missing. */
    NOT_ROOT,
    /** {@code /dev/fuse} is missing or cannot be opened. */
    NO_DEVICE,
    /** A library that the backend needs is not installed. */
    NO_LIBRARY,
    /** The kernel's FUSE protocol is older than what is needed. */
    KERNEL_TOO_OLD,
    /** The mount point does not exist. */
    MOUNT_POINT_MISSING,
    /** The mount point is not a folder. */
    NOT_A_DIRECTORY,
    /** The mount point has something in it, which the mount would hide. */
    NOT_EMPTY,
    /** Something is mounted there. */
    ALREADY_MOUNTED,
    /** What is mounted there lost its daemon. */
    DEAD_MOUNT,
    /** The mount point cannot be looked at. */
    UNREADABLE,
    /** The kernel refused for another reason. */
    REFUSED
  }

  private final Kind kind;

  public MountException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
