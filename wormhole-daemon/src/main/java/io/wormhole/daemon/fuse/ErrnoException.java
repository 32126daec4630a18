package io.wormhole.daemon.fuse;

/**
 * A file system's answer is an error number. Carries no stack trace: it is an answer, not a fault.
 */
public final class ErrnoException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Errno errno;

  public ErrnoException(Errno errno) {
    super(errno.name(), null, false, false);
    this.errno = errno;
  }

  public Errno errno() {
    return errno;
  }
}
