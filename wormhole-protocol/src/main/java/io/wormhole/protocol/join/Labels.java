package io.wormhole.protocol.join;

import static java.nio.charset.StandardCharsets.US_ASCII;

/**
 * The words that keep one use of a hash, a key or a name apart from every other. All of joining's
 * stand here; a change to one is another protocol.
 */
final class Labels {
  private static final String CODE_SALT = "wormhole/1 pake";
  private static final String CLIENT_IDENTITY = "wormhole/1 client";
  private static final String HOST_IDENTITY = "wormhole/1 host";

  /** RFC 9382, section 4. */
  private static final String CONFIRMATION_KEYS = "ConfirmationKeys";

  private Labels() {}

  /** Goes before the nameplate in the salt of a code's Argon2id. */
  static byte[] codeSalt() {
    return CODE_SALT.getBytes(US_ASCII);
  }

  /** Goes before the client's fingerprint in its SPAKE2 identity. */
  static byte[] clientIdentity() {
    return CLIENT_IDENTITY.getBytes(US_ASCII);
  }

  /** Goes before the host's fingerprint in its SPAKE2 identity. */
  static byte[] hostIdentity() {
    return HOST_IDENTITY.getBytes(US_ASCII);
  }

  /** Goes before the additional data in the info of HKDF. */
  static byte[] confirmationKeys() {
    return CONFIRMATION_KEYS.getBytes(US_ASCII);
  }
}
