package io.wormhole.daemon.host;

/**
 * {@code openat2(2)} under the rules of a share: beneath the folder it starts from, through no
 * symbolic link, no magic link of {@code /proc}, no mount point.
 */
final class ConfinedOpen {
  private static final long RESOLVE_NO_XDEV = 0x01;
  private static final long RESOLVE_NO_MAGICLINKS = 0x02;
  private static final long RESOLVE_NO_SYMLINKS = 0x04;
  private static final long RESOLVE_BENEATH = 0x08;
  private static final long RULES =
      RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;

  /** A rename elsewhere can make the kernel give up a look-up; it is then asked again. */
  private static final int ATTEMPTS = 32;

  private ConfinedOpen() {}

  /**
   * A new descriptor, the caller's, or a negated errno. O_CLOEXEC and O_NOFOLLOW are always set.
   *
   * @param folder the descriptor it starts from
   * @param path at most {@link LinuxCalls#PATH_MAX_BYTES}
   */
  static int open(CallFrame frame, int folder, byte[] path, int flags) {
    int all = flags | LinuxCalls.O_CLOEXEC | LinuxCalls.O_NOFOLLOW;
    int result = -HostErrno.EAGAIN;
    for (int attempt = 0; attempt < ATTEMPTS && again(result); attempt++) {
      result =
          LinuxCalls.openat2(frame.capture(), folder, frame.path(path), frame.how(), all, RULES);
    }
    return result;
  }

  private static boolean again(int result) {
    return result == -HostErrno.EAGAIN || result == -HostErrno.EINTR;
  }
}
