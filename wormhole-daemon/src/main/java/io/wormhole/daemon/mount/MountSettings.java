package io.wormhole.daemon.mount;

import java.time.Duration;

/**
 * How a mount behaves.
 *
 * @param attributeLife how long attributes, entries and absences are good without being asked again
 * @param deadline how long one call of the kernel may take before it fails
 * @param readAheadChunks chunks of one open file that may be under way ahead of its reader
 * @param cachedEntries entries of whole listings that are kept for lookups
 * @param unopenedFiles files read without an open, for which something is kept at once
 * @param longPath from this round trip on a reader who wants a part of a chunk has that first
 */
public record MountSettings(
    Duration attributeLife,
    Duration deadline,
    int readAheadChunks,
    int cachedEntries,
    int unopenedFiles,
    Duration longPath) {
  public static final MountSettings DEFAULTS =
      new MountSettings(
          Duration.ofSeconds(3), Duration.ofSeconds(30), 32, 200_000, 512, Duration.ofMillis(5));
}
