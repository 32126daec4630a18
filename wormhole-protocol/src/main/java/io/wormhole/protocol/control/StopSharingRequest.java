package io.wormhole.protocol.control;

import java.util.Objects;

/**
 * Asks the daemon to give up its own hold on a share.
 *
 * @param directory absolute
 * @param name what the same argument means as the name of a share
 */
public record StopSharingRequest(String directory, String name) {
  public StopSharingRequest {
    Objects.requireNonNull(directory, "directory");
    Objects.requireNonNull(name, "name");
  }
}
