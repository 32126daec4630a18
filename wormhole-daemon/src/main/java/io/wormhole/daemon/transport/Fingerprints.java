package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.Fingerprint;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.Certificate;

/** From a certificate to who its owner is. */
final class Fingerprints {
  private Fingerprints() {}

  /** SHA-256 of the DER SubjectPublicKeyInfo. */
  static Fingerprint of(Certificate certificate) {
    try {
      return Fingerprint.of(
          MessageDigest.getInstance("SHA-256").digest(certificate.getPublicKey().getEncoded()));
    } catch (NoSuchAlgorithmException everyPlatformHasIt) {
      throw new IllegalStateException(everyPlatformHasIt);
    }
  }
}
