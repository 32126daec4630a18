package io.wormhole.protocol.control;

import org.jspecify.annotations.Nullable;

/**
 * Asks the daemon to unmount the mount of a name or at a folder, or every mount of its own.
 *
 * @param name of a mount; null with {@code directory} for every mount
 * @param directory absolute, what the same argument means as a folder
 * @param force at once, whoever uses it
 */
public record UnmountRequest(@Nullable String name, @Nullable String directory, boolean force) {
  /** Whether every mount is meant. */
  public boolean everything() {
    return name == null && directory == null;
  }
}
