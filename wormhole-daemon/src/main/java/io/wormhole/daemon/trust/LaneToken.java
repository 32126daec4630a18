package io.wormhole.daemon.trust;

import com.google.protobuf.ByteString;
import io.wormhole.protocol.wire.Limits;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;

/** Lets one bulk lane in, once: 128 random bits that a host gave on a control lane. */
public final class LaneToken {
  private final byte[] bytes;

  private LaneToken(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * A token from the wire.
   *
   * @throws IllegalArgumentException unless it has 16 bytes
   */
  public static LaneToken of(ByteString bytes) {
    if (bytes.size() != Limits.TOKEN_BYTES) {
      throw new IllegalArgumentException("lane token of " + bytes.size() + " bytes");
    }
    return new LaneToken(bytes.toByteArray());
  }

  static LaneToken random(SecureRandom random) {
    byte[] bytes = new byte[Limits.TOKEN_BYTES];
    random.nextBytes(bytes);
    return new LaneToken(bytes);
  }

  /** For the wire. */
  public ByteString toByteString() {
    return ByteString.copyFrom(bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LaneToken that && MessageDigest.isEqual(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** Nothing of the token. */
  @Override
  public String toString() {
    return "lane token";
  }
}
