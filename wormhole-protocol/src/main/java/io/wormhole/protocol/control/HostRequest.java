package io.wormhole.protocol.control;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Asks the daemon to share a folder.
 *
 * @param directory absolute
 * @param name of the share; null for the folder's own
 * @param bind {@code ADDR:PORT} to listen at; null for all interfaces and the port kept from before
 * @param code the code somebody chose; null for a new one
 * @param expireSeconds how long the code is good, at least 1; null for a day
 * @param once whether the code ends with its first use
 * @param excludes globs of what is not shown, the last that matches decides
 * @param onlyNew whether peers who were let in before need a code again
 * @param detached whether the daemon is the owner, and not the connection that asks
 */
public record HostRequest(
    String directory,
    @Nullable String name,
    @Nullable String bind,
    @Nullable String code,
    @Nullable Long expireSeconds,
    boolean once,
    List<String> excludes,
    boolean onlyNew,
    boolean detached) {
  public HostRequest {
    Objects.requireNonNull(directory, "directory");
    excludes = excludes == null ? List.of() : List.copyOf(excludes);
  }

  /** A share with nothing special about it. */
  public static HostRequest of(String directory, @Nullable String name, @Nullable String bind) {
    return new HostRequest(directory, name, bind, null, null, false, List.of(), false, false);
  }

  /** Leaves the code out, so that it can stand in a log. */
  @Override
  public String toString() {
    return "HostRequest[directory=" + directory + ", name=" + name + ", bind=" + bind + "]";
  }
}
