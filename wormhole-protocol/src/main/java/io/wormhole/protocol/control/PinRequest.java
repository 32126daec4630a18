package io.wormhole.protocol.control;

import java.util.Objects;

/**
 * Asks the daemon to fetch something of a mount to this disk, to keep it there, or to do so no
 * longer.
 *
 * @param path of a file or folder in a mount, absolute; to be fetched it is without links
 */
public record PinRequest(String path) {
  public PinRequest {
    Objects.requireNonNull(path, "path");
  }
}
