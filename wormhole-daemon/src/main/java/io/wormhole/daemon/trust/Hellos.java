package io.wormhole.daemon.trust;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * SHA-256 over the payloads of both hellos, the client's first, as they went over the wire. Both
 * confirmations depend on it, so that nobody can take away a version or a feature on the way.
 */
final class Hellos {
  private final MessageDigest sha256;

  Hellos() {
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException platform) {
      throw new IllegalStateException("this Java has no SHA-256", platform);
    }
  }

  void add(byte[] payload) {
    sha256.update(payload);
  }

  /** Over what was added so far. */
  byte[] hash() {
    try {
      return ((MessageDigest) sha256.clone()).digest();
    } catch (CloneNotSupportedException platform) {
      throw new IllegalStateException("this Java cannot copy a SHA-256", platform);
    }
  }
}
