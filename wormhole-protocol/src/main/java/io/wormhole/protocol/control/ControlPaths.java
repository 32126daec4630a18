package io.wormhole.protocol.control;

/** What can be asked over the control socket. */
public final class ControlPaths {
  /** GET: a {@link StatusAnswer}. */
  public static final String STATUS = "/v1/status";

  /** POST of a {@link HostRequest}: a stream of {@link ShareEvent}s; the share is its owner's. */
  public static final String SHARES = "/v1/shares";

  /** POST of a {@link MountRequest}: a stream of {@link MountEvent}s. */
  public static final String MOUNTS = "/v1/mounts";

  /** POST of an {@link UnmountRequest}: an {@link UnmountAnswer}. */
  public static final String UNMOUNT = "/v1/unmount";

  /** POST without a body: a {@link StopAnswer}, then the daemon ends. */
  public static final String STOP = "/v1/stop";

  private ControlPaths() {}
}
