package io.wormhole.protocol.control;

/** What can be asked over the control socket. */
public final class ControlPaths {
  /** GET: a {@link StatusAnswer}. */
  public static final String STATUS = "/v1/status";

  /**
   * POST of a {@link HostRequest}: a stream of {@link ShareEvent}s; the share is its owner's. One
   * that is detached is the daemon's, and its stream ends after the first event.
   */
  public static final String SHARES = "/v1/shares";

  /** POST of a {@link StopSharingRequest}: a {@link StopSharingAnswer}. */
  public static final String STOP_SHARING = "/v1/shares/stop";

  /** GET: a {@link PeersAnswer} of all. */
  public static final String PEERS = "/v1/peers";

  /** POST of a {@link PeerRequest}: a {@link PeersAnswer} of what is forgotten now. */
  public static final String FORGET = "/v1/peers/forget";

  /** POST of a {@link PeerRequest}: a {@link PeersAnswer} of who was sent away. */
  public static final String REVOKE = "/v1/peers/revoke";

  /** POST of a {@link RenamePeerRequest}: a {@link PeersAnswer} of what has a new name. */
  public static final String RENAME = "/v1/peers/rename";

  /** POST of a {@link MountRequest}: a stream of {@link MountEvent}s. */
  public static final String MOUNTS = "/v1/mounts";

  /** POST of an {@link UnmountRequest}: an {@link UnmountAnswer}. */
  public static final String UNMOUNT = "/v1/unmount";

  /** GET: a {@link StatusAnswer.CacheStatus}. */
  public static final String CACHE = "/v1/cache";

  /** POST without a body: a stream of {@link CacheEvent}s; it ends when whoever asked goes. */
  public static final String VERIFY_CACHE = "/v1/cache/verify";

  /** POST without a body: a {@link CacheChange}, once the disk cache is empty. */
  public static final String CLEAR_CACHE = "/v1/cache/clear";

  /** POST without a body: a {@link CacheChange}, once what no file is made of is gone. */
  public static final String COLLECT_CACHE = "/v1/cache/gc";

  /** POST of a {@link ResizeCacheRequest}: a {@link CacheChange}. */
  public static final String RESIZE_CACHE = "/v1/cache/resize";

  /** GET: a {@link PinsAnswer} of all. */
  public static final String PINS = "/v1/cache/pins";

  /**
   * POST of a {@link PinRequest}: a stream of {@link CacheEvent}s; what is pinned stays so if
   * whoever asked goes.
   */
  public static final String PIN = "/v1/cache/pin";

  /**
   * POST of a {@link PinRequest}: a stream of {@link CacheEvent}s; it ends when whoever asked goes,
   * and what was fetched by then stays, like all else.
   */
  public static final String WARM = "/v1/cache/warm";

  /** POST of a {@link PinRequest}: a {@link PinsAnswer} of what is not pinned any more. */
  public static final String UNPIN = "/v1/cache/unpin";

  /** POST without a body: a {@link StopAnswer}, then the daemon ends. */
  public static final String STOP = "/v1/stop";

  private ControlPaths() {}
}
