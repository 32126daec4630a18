package io.wormhole.protocol.wire;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * Which share it is: 16 random bytes, kept for as long as the folder is the same. Not a secret.
 *
 * @param high first 8 bytes, big-endian
 * @param low last 8 bytes
 */
public record ShareId(long high, long low) {
  public static final int BYTES = Limits.SHARE_ID_BYTES;

  /**
   * The id of 16 bytes.
   *
   * @throws IllegalArgumentException for any other length
   */
  public static ShareId of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("share id of " + bytes.length + " bytes");
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new ShareId(buffer.getLong(), buffer.getLong());
  }

  /** A new one. */
  public static ShareId random(SecureRandom random) {
    return new ShareId(random.nextLong(), random.nextLong());
  }

  /** Reads what {@link #toString} wrote. */
  public static ShareId parse(String hex) {
    return of(HexFormat.of().parseHex(hex));
  }

  /** The 16 bytes, as they go over the wire. */
  public byte[] bytes() {
    return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
  }

  /** 32 hexadecimal digits. */
  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
  }
}
