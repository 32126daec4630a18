package io.wormhole.daemon.discovery;

import io.wormhole.protocol.join.Nameplate;
import io.wormhole.protocol.wire.Fingerprint;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a host says of itself to its network, in the TXT record of its service (RFC 6763, section
 * 6): {@code v=1}, {@code n=} the nameplates of its live codes, {@code s=} a random salt, {@code
 * h=} a mark by which only those who know its key tell that it is that key's. Nothing here is
 * secret, and nothing names a person, a machine or a share.
 *
 * <p>Immutable.
 */
final class Advertisement {
  /** What one string of a TXT record holds beside {@code n=}. */
  static final int NAMEPLATES_MAX = 63;

  static final int SALT_BYTES = 8;
  private static final int MARK_BYTES = 8;
  private static final int TEXT_BYTES_MAX = 1024;
  private static final int STRINGS_MAX = 16;
  private static final String VERSION = "1";

  private final Set<Integer> nameplates;
  private final byte[] salt;
  private final byte[] mark;

  private Advertisement(Set<Integer> nameplates, byte[] salt, byte[] mark) {
    this.nameplates = nameplates;
    this.salt = salt;
    this.mark = mark;
  }

  /**
   * What a host says. Of more than {@link #NAMEPLATES_MAX} nameplates the last are left out.
   *
   * @param salt {@link #SALT_BYTES} random bytes, others for each publication
   */
  static Advertisement of(Collection<Integer> nameplates, byte[] salt, Fingerprint host) {
    Set<Integer> said = new LinkedHashSet<>();
    nameplates.stream().limit(NAMEPLATES_MAX).forEach(said::add);
    return new Advertisement(said, salt.clone(), mark(salt, host));
  }

  static byte[] newSalt(SecureRandom random) {
    byte[] salt = new byte[SALT_BYTES];
    random.nextBytes(salt);
    return salt;
  }

  /** Whether the host says that a code of this nameplate is live there. */
  boolean claims(int nameplate) {
    return nameplates.contains(nameplate);
  }

  /** Whether the host says that it has this key. The handshake proves it, this does not. */
  boolean isOf(Fingerprint host) {
    return Arrays.equals(mark, mark(salt, host));
  }

  Set<Integer> nameplates() {
    return Set.copyOf(nameplates);
  }

  /** The record's data: strings, each after a byte with its length. */
  byte[] encode() {
    StringBuilder plates = new StringBuilder();
    nameplates.forEach(nameplate -> plates.append(Nameplate.format(nameplate)));
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    for (String string :
        new String[] {
          "v=" + VERSION,
          "n=" + plates,
          "s=" + HexFormat.of().formatHex(salt),
          "h=" + HexFormat.of().formatHex(mark)
        }) {
      byte[] bytes = string.getBytes(StandardCharsets.US_ASCII);
      text.write(bytes.length);
      text.writeBytes(bytes);
    }
    return text.toByteArray();
  }

  /**
   * Reads the data of a TXT record that came from anybody. Strings with other keys are for later
   * versions and skipped.
   *
   * @return nothing unless it is whole, within its bounds, and of a version known here
   */
  static Optional<Advertisement> parse(byte[] text) {
    Map<String, String> values = strings(text);
    if (values == null || !VERSION.equals(values.get("v"))) {
      return Optional.empty();
    }
    Set<Integer> nameplates = nameplates(values.getOrDefault("n", ""));
    byte[] salt = hex(values.get("s"), SALT_BYTES);
    byte[] mark = hex(values.get("h"), MARK_BYTES);
    return nameplates == null || salt == null || mark == null
        ? Optional.empty()
        : Optional.of(new Advertisement(nameplates, salt, mark));
  }

  private static @Nullable Map<String, String> strings(byte[] text) {
    if (text.length > TEXT_BYTES_MAX) {
      return null;
    }
    Map<String, String> values = new HashMap<>();
    int count = 0;
    for (int at = 0; at < text.length; count++) {
      int length = text[at] & 0xff;
      if (at + 1 + length > text.length || count == STRINGS_MAX) {
        return null;
      }
      String string = new String(text, at + 1, length, StandardCharsets.ISO_8859_1);
      int equals = string.indexOf('=');
      // Of a key that comes twice the first counts (RFC 6763, section 6.4).
      if (equals > 0) {
        values.putIfAbsent(string.substring(0, equals), string.substring(equals + 1));
      }
      at += 1 + length;
    }
    return values;
  }

  private static @Nullable Set<Integer> nameplates(String symbols) {
    if (symbols.length() % Nameplate.SYMBOLS != 0) {
      return null;
    }
    Set<Integer> nameplates = new LinkedHashSet<>();
    for (int at = 0; at < symbols.length(); at += Nameplate.SYMBOLS) {
      int nameplate = Nameplate.parse(symbols.substring(at, at + Nameplate.SYMBOLS));
      if (nameplate < 0) {
        return null;
      }
      nameplates.add(nameplate);
    }
    return nameplates;
  }

  private static byte @Nullable [] hex(@Nullable String digits, int bytes) {
    if (digits == null || digits.length() != 2 * bytes) {
      return null;
    }
    for (int i = 0; i < digits.length(); i++) {
      if (!HexFormat.isHexDigit(digits.charAt(i))) {
        return null;
      }
    }
    return HexFormat.of().parseHex(digits);
  }

  private static byte[] mark(byte[] salt, Fingerprint host) {
    try {
      MessageDigest hash = MessageDigest.getInstance("SHA-256");
      hash.update(salt);
      hash.update(host.bytes());
      return Arrays.copyOf(hash.digest(), MARK_BYTES);
    } catch (NoSuchAlgorithmException platform) {
      throw new IllegalStateException("every Java platform has SHA-256", platform);
    }
  }
}
