package io.wormhole.protocol.control;

/**
 * What kind of failure a command met: the {@code kind} of a JSON failure, the exit code of the
 * command, and the HTTP status on the control socket. The only table of the three.
 */
public enum ErrorKind {
  /** An argument or a request makes no sense. */
  USAGE("usage", ExitCode.USAGE, 400),
  /** A code whose check symbol is wrong. */
  MISTYPED_CODE("mistyped-code", ExitCode.USAGE, 400),
  /** Nobody knows the code: never given, expired, used up, or its share has ended. */
  UNKNOWN_CODE("unknown-code", ExitCode.REFUSED, 404),
  /** The code is known, its secret is another one. */
  WRONG_CODE("wrong-code", ExitCode.REFUSED, 403),
  /** The peer does not let us in. */
  NOT_AUTHORISED("not-authorised", ExitCode.REFUSED, 403),
  /** No peer or known share has this name or fingerprint. */
  UNKNOWN_PEER("unknown-peer", ExitCode.REFUSED, 404),
  /** Several have it. */
  AMBIGUOUS("ambiguous", ExitCode.USAGE, 409),
  /** Nobody answers at the peer's address. */
  UNREACHABLE("unreachable", ExitCode.UNREACHABLE, 504),
  /** Something the machine or the user lacks: /dev/fuse, the right to mount, a JDK. */
  MISSING_PREREQUISITE("missing-prerequisite", ExitCode.MISSING_PREREQUISITE, 501),
  /** The peer speaks a protocol that is too old or too new. */
  INCOMPATIBLE_PEER("incompatible-peer", ExitCode.FAILED, 502),
  NO_SUCH_FOLDER("no-such-folder", ExitCode.FAILED, 404),
  NOT_A_FOLDER("not-a-folder", ExitCode.FAILED, 409),
  UNREADABLE("unreadable", ExitCode.FAILED, 403),
  /** A folder that cannot be shared, such as one inside a mount of ours. */
  NOT_SHAREABLE("not-shareable", ExitCode.FAILED, 409),
  NOT_SHARED("not-shared", ExitCode.FAILED, 404),
  PORT_TAKEN("port-taken", ExitCode.FAILED, 409),
  NOT_EMPTY("not-empty", ExitCode.FAILED, 409),
  ALREADY_MOUNTED("already-mounted", ExitCode.FAILED, 409),
  NOT_MOUNTED("not-mounted", ExitCode.FAILED, 404),
  /** Somebody uses the mount. */
  BUSY("busy", ExitCode.FAILED, 409),
  TIMED_OUT("timed-out", ExitCode.FAILED, 504),
  /** The daemon cannot be started, does not answer, or is about to end. */
  DAEMON_UNAVAILABLE("daemon-unavailable", ExitCode.FAILED, 503),
  /** Anything else; the message says what. */
  FAILED("failed", ExitCode.FAILED, 500);

  private final String word;
  private final int exitCode;
  private final int httpStatus;

  ErrorKind(String word, int exitCode, int httpStatus) {
    this.word = word;
    this.exitCode = exitCode;
    this.httpStatus = httpStatus;
  }

  /** What the command ends with. */
  public int exitCode() {
    return exitCode;
  }

  /** What the control socket answers with. */
  public int httpStatus() {
    return httpStatus;
  }

  /** The word in JSON. */
  @Override
  public String toString() {
    return word;
  }
}
