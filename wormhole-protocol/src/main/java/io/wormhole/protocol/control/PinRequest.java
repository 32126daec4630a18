package io.wormhole.protocol.control;

import java.util.Objects;

/**
 * Asks the daemon to keep something of a mount on this disk, or to do so no longer.
 *
 * @param path of a file or folder in a mount, absolute; to be kept it is without links
 */
public record PinRequest(String path) {
  public PinRequest {
    Objects.requireNonNull(path, "path");
  }
}
