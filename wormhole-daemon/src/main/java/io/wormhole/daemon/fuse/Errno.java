package io.wormhole.daemon.fuse;

/** The error numbers a file system may answer with: Linux's, the same on x86-64 and aarch64. */
public enum Errno {
  EPERM(1),
  ENOENT(2),
  EINTR(4),
  EIO(5),
  EBADF(9),
  EAGAIN(11),
  ENOMEM(12),
  EACCES(13),
  EEXIST(17),
  ENOTDIR(20),
  EISDIR(21),
  EINVAL(22),
  EMFILE(24),
  ENOTTY(25),
  EROFS(30),
  ERANGE(34),
  ENAMETOOLONG(36),
  ENOSYS(38),
  ENODATA(61),
  EOPNOTSUPP(95),
  ETIMEDOUT(110),
  EHOSTUNREACH(113),
  ESTALE(116);

  private final int code;

  Errno(int code) {
    this.code = code;
  }

  /** The positive number. */
  public int code() {
    return code;
  }
}
