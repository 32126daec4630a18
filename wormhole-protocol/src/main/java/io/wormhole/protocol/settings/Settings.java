package io.wormhole.protocol.settings;

import java.util.Map;
import java.util.Optional;

/**
 * What is set. Immutable.
 *
 * @param given what the file says; the rest has its default
 */
public record Settings(Map<Setting, String> given) {
  public static final Settings DEFAULTS = new Settings(Map.of());

  public Settings {
    given = Map.copyOf(given);
  }

  /** A setting's value as it is written. */
  public String value(Setting setting) {
    return Optional.ofNullable(given.get(setting)).orElse(setting.defaultValue());
  }

  /** What carries mounts: {@code auto}, {@code device} or {@code jnr}. */
  public String fuse() {
    return value(Setting.MOUNT_FUSE);
  }

  /** Whether this machine may be found, and find others, by multicast DNS. */
  public boolean mdns() {
    return Boolean.parseBoolean(value(Setting.DISCOVERY_MDNS));
  }

  /** Whether lanes may run over TCP where that costs less. */
  public boolean tcp() {
    return Boolean.parseBoolean(value(Setting.NETWORK_TCP));
  }

  /** Bytes of the disk that the cache may take; 0 for none. */
  public long cacheBytes() {
    return ByteSize.parse(value(Setting.CACHE_SIZE)).orElseThrow();
  }

  /** Bytes of the disk that the cache leaves free; empty where it goes by the disk's size. */
  public Optional<Long> freeBytes() {
    return ByteSize.parse(value(Setting.CACHE_FREE));
  }
}
