package io.wormhole.protocol.control;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Asks the daemon to share a folder.
 *
 * @param directory absolute
 * @param name of the share; null for the folder's own
 * @param bind {@code ADDR:PORT} to listen at; null for all interfaces and the port kept from before
 */
public record HostRequest(String directory, @Nullable String name, @Nullable String bind) {
  public HostRequest {
    Objects.requireNonNull(directory, "directory");
  }
}
