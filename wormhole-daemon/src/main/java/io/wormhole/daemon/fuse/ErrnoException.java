package io.wormhole.daemon.fuse;

import java.time.Duration;

/**
 * A file system's answer is an error number. Carries no stack trace: it is an answer, not a fault.
 */
public final class ErrnoException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Errno errno;
  private final Duration validFor;

  public ErrnoException(Errno errno) {
    this(errno, Duration.ZERO);
  }

  private ErrnoException(Errno errno, Duration validFor) {
    super(errno.name(), null, false, false);
    this.errno = errno;
    this.validFor = validFor;
  }

  /**
   * ENOENT from a lookup, which the kernel may remember for a while.
   *
   * @param validFor how long; zero for not at all
   */
  public static ErrnoException absent(Duration validFor) {
    return new ErrnoException(Errno.ENOENT, validFor);
  }

  public Errno errno() {
    return errno;
  }

  /** How long the kernel may answer the same lookup by itself; zero but for absences. */
  public Duration validFor() {
    return validFor;
  }
}
