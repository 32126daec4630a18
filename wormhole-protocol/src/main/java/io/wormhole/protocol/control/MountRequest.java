package io.wormhole.protocol.control;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Asks the daemon to join a share and mount it.
 *
 * @param code a join code or a ticket, whose check is right, or the name of a share that was
 *     mounted before
 * @param directory absolute; null for a folder named after the share in {@code parent}
 * @param parent absolute; where a folder is made when {@code directory} is null
 * @param peer {@code HOST:PORT} of the host; null to find it by the code
 * @param ramBytes what all mounts together may keep in RAM; null leaves it as it is
 * @param cacheBytes what all mounts together may keep on disk; null leaves it as it is
 * @param foreground whether the mount ends with the connection that asked for it
 * @param allowOther whether other users of the machine may enter the mount
 * @param fuse what is to carry it: {@code auto}, {@code device} or {@code jnr}; null for what is
 *     set
 */
public record MountRequest(
    String code,
    @Nullable String directory,
    String parent,
    @Nullable String peer,
    @Nullable Long ramBytes,
    @Nullable Long cacheBytes,
    boolean foreground,
    boolean allowOther,
    @Nullable String fuse) {
  public MountRequest {
    Objects.requireNonNull(code, "code");
    Objects.requireNonNull(parent, "parent");
  }

  /** Leaves the code out, so that it can stand in a log. */
  @Override
  public String toString() {
    return "MountRequest[directory=" + directory + ", peer=" + peer + "]";
  }
}
