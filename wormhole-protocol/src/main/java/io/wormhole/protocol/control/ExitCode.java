package io.wormhole.protocol.control;

/** What a command ends with; scripts depend on these. */
public final class ExitCode {
  public static final int DONE = 0;
  public static final int FAILED = 1;

  /** Wrong usage, a mistyped code among it. */
  public static final int USAGE = 2;

  /** Not found or not authorised. */
  public static final int REFUSED = 3;

  /** The peer cannot be reached. */
  public static final int UNREACHABLE = 4;

  /** The machine lacks something. */
  public static final int MISSING_PREREQUISITE = 5;

  private ExitCode() {}
}
