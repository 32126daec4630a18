package io.wormhole.protocol.join;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.macs.HMac;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.bouncycastle.crypto.params.KeyParameter;

/**
 * From a transcript to two confirmations: RFC 9382, section 4, with SHA-256, HKDF and HMAC.
 *
 * <pre>
 * Ke | Ka   = SHA-256(TT)
 * KcA | KcB = HKDF(no salt, Ka, "ConfirmationKeys" | additional data)
 * cA, cB    = HMAC(KcA, TT), HMAC(KcB, TT)
 * </pre>
 *
 * <p>Ke, the key for what follows the exchange, is not used here: TLS protects the lane already,
 * and the fingerprints in the transcript bind the exchange to it.
 */
final class KeySchedule {
  private static final int KEY_BYTES = 16;
  private static final int DIGEST_BYTES = 32;

  private KeySchedule() {}

  /** Each part behind its length in eight bytes, little-endian: RFC 9382, section 3.3. */
  static byte[] transcript(byte[]... parts) {
    int bytes = 0;
    for (byte[] part : parts) {
      bytes += Long.BYTES + part.length;
    }
    ByteBuffer transcript = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (byte[] part : parts) {
      transcript.putLong(part.length).put(part);
    }
    return transcript.array();
  }

  /** SHA-256(TT): Ke, then Ka. */
  static byte[] transcriptHash(byte[] transcript) {
    SHA256Digest sha256 = new SHA256Digest();
    sha256.update(transcript, 0, transcript.length);
    byte[] hash = new byte[DIGEST_BYTES];
    sha256.doFinal(hash, 0);
    return hash;
  }

  /** KcA, then KcB, from SHA-256(TT). */
  static byte[] confirmationKeys(byte[] transcriptHash, byte[] additionalData) {
    byte[] ka = Arrays.copyOfRange(transcriptHash, KEY_BYTES, 2 * KEY_BYTES);
    byte[] label = Labels.confirmationKeys();
    byte[] info = Arrays.copyOf(label, label.length + additionalData.length);
    System.arraycopy(additionalData, 0, info, label.length, additionalData.length);
    HKDFBytesGenerator hkdf = new HKDFBytesGenerator(new SHA256Digest());
    hkdf.init(new HKDFParameters(ka, null, info));
    byte[] keys = new byte[2 * KEY_BYTES];
    hkdf.generateBytes(keys, 0, keys.length);
    Arrays.fill(ka, (byte) 0);
    return keys;
  }

  /** What both sides will send and expect. Wipes the keys between; the transcript stays. */
  static Confirmations confirmations(byte[] transcript, byte[] additionalData) {
    byte[] hash = transcriptHash(transcript);
    byte[] keys = confirmationKeys(hash, additionalData);
    try {
      return new Confirmations(mac(keys, 0, transcript), mac(keys, KEY_BYTES, transcript));
    } finally {
      Arrays.fill(hash, (byte) 0);
      Arrays.fill(keys, (byte) 0);
    }
  }

  private static byte[] mac(byte[] keys, int from, byte[] transcript) {
    HMac hmac = new HMac(new SHA256Digest());
    hmac.init(new KeyParameter(keys, from, KEY_BYTES));
    hmac.update(transcript, 0, transcript.length);
    byte[] mac = new byte[DIGEST_BYTES];
    hmac.doFinal(mac, 0);
    hmac.reset();
    return mac;
  }

  /** cA and cB, 32 bytes each. */
  @SuppressWarnings("ArrayRecordComponent")
  record Confirmations(byte[] client, byte[] host) {}
}
