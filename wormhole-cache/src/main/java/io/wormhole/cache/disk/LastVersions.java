package io.wormhole.cache.disk;

import io.wormhole.protocol.hash.ChunkHash;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * The versions of a file of which something was put last.
 *
 * @param before null bits if there was none
 */
public record LastVersions(Version newest, Version before) {
  private static final Version NONE = new Version(0, 0);

  /** Of a file of which nothing was put. */
  static final LastVersions NOTHING = new LastVersions(NONE, NONE);

  /** A version's token. */
  public record Version(long high, long low) {}

  /** The one that came last, but for this one. */
  public Optional<Version> otherThan(long high, long low) {
    Version other = newest.equals(new Version(high, low)) ? before : newest;
    return Optional.of(other).filter(found -> !found.equals(NONE));
  }

  static LastVersions first(Version version) {
    return new LastVersions(version, NONE);
  }

  LastVersions then(Version version) {
    return new LastVersions(version, newest);
  }

  /** As it stands in a record, in the place of a hash. */
  ChunkHash stored() {
    return ChunkHash.of(
        ByteBuffer.allocate(ChunkHash.BYTES)
            .putLong(newest.high())
            .putLong(newest.low())
            .putLong(before.high())
            .putLong(before.low())
            .array());
  }

  static LastVersions of(ChunkHash stored) {
    ByteBuffer bytes = ByteBuffer.wrap(stored.bytes());
    return new LastVersions(
        new Version(bytes.getLong(), bytes.getLong()),
        new Version(bytes.getLong(), bytes.getLong()));
  }
}
