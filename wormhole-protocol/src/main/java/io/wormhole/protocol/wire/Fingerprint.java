package io.wormhole.protocol.wire;

import java.util.Arrays;
import java.util.HexFormat;

/** SHA-256 of the DER SubjectPublicKeyInfo of a peer's certificate: who a peer is. */
public final class Fingerprint {
  public static final int BYTES = 32;

  private final byte[] bytes;

  private Fingerprint(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * A copy of 32 bytes.
   *
   * @throws IllegalArgumentException for any other length
   */
  public static Fingerprint of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("fingerprint of " + bytes.length + " bytes");
    }
    return new Fingerprint(bytes.clone());
  }

  /** Reads what {@link #toString} wrote. */
  public static Fingerprint parse(String hex) {
    return of(HexFormat.of().parseHex(hex));
  }

  /** A copy of the 32 bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Fingerprint that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** 64 hexadecimal digits. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(bytes);
  }
}
