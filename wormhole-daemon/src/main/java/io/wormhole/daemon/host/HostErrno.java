package io.wormhole.daemon.host;

import io.wormhole.protocol.wire.message.FailureCode;

/** What the host's kernel says when it refuses, and the one table of what a peer is told. */
final class HostErrno {
  static final int EPERM = 1;
  static final int ENOENT = 2;
  static final int EINTR = 4;
  static final int EIO = 5;
  static final int ENXIO = 6;
  static final int EBADF = 9;
  static final int EAGAIN = 11;
  static final int EACCES = 13;
  static final int EXDEV = 18;
  static final int ENODEV = 19;
  static final int ENOTDIR = 20;
  static final int EISDIR = 21;
  static final int ENFILE = 23;
  static final int EMFILE = 24;
  static final int ENAMETOOLONG = 36;
  static final int ENOSYS = 38;
  static final int ELOOP = 40;
  static final int EILSEQ = 84;
  static final int EOPNOTSUPP = 95;
  static final int ESTALE = 116;
  static final int EUCLEAN = 117;

  private HostErrno() {}

  /** What a peer is told. */
  static FailureCode code(int errno) {
    return switch (errno) {
      // Behind a mount point nothing is shown: what stands there is not there for a peer.
      case ENOENT, EXDEV -> FailureCode.FAILURE_CODE_NOT_FOUND;
      // A link where a folder was asked for: a peer resolves links itself.
      case ENOTDIR, ELOOP -> FailureCode.FAILURE_CODE_NOT_A_FOLDER;
      case EISDIR -> FailureCode.FAILURE_CODE_IS_A_FOLDER;
      case EACCES, EPERM -> FailureCode.FAILURE_CODE_ACCESS_DENIED;
      case ESTALE -> FailureCode.FAILURE_CODE_STALE;
      case EBADF -> FailureCode.FAILURE_CODE_BAD_HANDLE;
      case EMFILE, ENFILE -> FailureCode.FAILURE_CODE_TOO_MANY_OPEN;
      case EILSEQ -> FailureCode.FAILURE_CODE_BAD_NAME;
      case ENAMETOOLONG -> FailureCode.FAILURE_CODE_NAME_TOO_LONG;
      case ENXIO, ENODEV, EOPNOTSUPP -> FailureCode.FAILURE_CODE_NOT_SERVED;
      default -> FailureCode.FAILURE_CODE_IO;
    };
  }

  /**
   * What a peer is told.
   *
   * @param result what a call returned: a negated errno
   */
  static FailureException failure(long result) {
    return new FailureException(code((int) -result));
  }
}
