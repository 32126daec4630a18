package io.wormhole.protocol.settings;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Everything that can be set: its key, the values it may have, its default, what it means. */
public enum Setting {
  DISCOVERY_MDNS(
      "discovery.mdns",
      Values.oneOf("true", "false"),
      "true",
      "find hosts on this network, and be found there, by multicast DNS"),

  NETWORK_TCP(
      "network.tcp",
      Values.oneOf("true", "false"),
      "true",
      "carry files over TLS and TCP where the path is short; over QUIC all else, and else all"),

  MOUNT_FUSE(
      "mount.fuse",
      Values.oneOf("auto", "device", "jnr"),
      "auto",
      "what carries mounts: the kernel's own protocol (device), or jnr-fuse and libfuse 2 (jnr)"),

  CACHE_SIZE(
      "cache.size",
      Values.size("64M", "100T", "0", "nothing"),
      "10G",
      "how much of what was read is kept on this disk, and not fetched again"),

  CACHE_FREE(
      "cache.free",
      Values.size("0", "100T", "auto", "5 % of the disk, at most 2G"),
      "auto",
      "how much of the disk stays free: the cache shrinks for it");

  private final String key;

  /** Immutable, which its type does not say. */
  @SuppressWarnings("ImmutableEnumChecker")
  private final Values values;

  private final String defaultValue;
  private final String meaning;

  Setting(String key, Values values, String defaultValue, String meaning) {
    this.key = key;
    this.values = values;
    this.defaultValue = defaultValue;
    this.meaning = meaning;
  }

  /** The setting of a key as it stands in the file: its table's name, a dot, its own. */
  public static Optional<Setting> of(String key) {
    return Arrays.stream(values()).filter(setting -> setting.key.equals(key)).findFirst();
  }

  public String key() {
    return key;
  }

  /** The name of the table it stands in. */
  String table() {
    return key.substring(0, key.indexOf('.'));
  }

  /** Its name within the table. */
  String nameInTable() {
    return key.substring(key.indexOf('.') + 1);
  }

  /** Each value it may have; none if they cannot be counted. */
  public List<String> allowed() {
    return values.listed();
  }

  /** Whether it may have this value. */
  public boolean allows(String value) {
    return values.allow(value);
  }

  public String defaultValue() {
    return defaultValue;
  }

  /** What a value other than the default changes, for a person. */
  public String meaning() {
    return meaning;
  }

  /** A value as TOML has it. */
  String written(String value) {
    return value.equals("true") || value.equals("false") ? value : '"' + value + '"';
  }

  /** The values it may have, in words. */
  public String allowedWords() {
    return values.words();
  }
}
