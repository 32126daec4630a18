package io.wormhole.protocol.join;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;
import org.bouncycastle.util.BigIntegers;
import org.jspecify.annotations.Nullable;

/**
 * SPAKE2's w: the secret of a code or a ticket, stretched. A host makes it once, when it makes
 * them; a client once for an attempt to join.
 *
 * <p>w = Argon2id(secret, salt, 19 MiB, t = 2, p = 1, 48 bytes), read big-endian, modulo the order
 * of P-256; salt is the first 16 bytes of SHA-256 over a label and the nameplate in four bytes,
 * big-endian (RFC 9106; RFC 9382, section 3.2, asks for 64 bits more than the order).
 *
 * <p>Whoever made or copied it closes it, which wipes it. What cannot be wiped: the {@code
 * BigInteger}s that exist while a share is computed, and copies the collector leaves behind.
 *
 * <p>Any thread.
 */
public final class PakeSecret implements AutoCloseable {
  private static final int MEMORY_KIBIBYTES = 19 * 1024;
  private static final int PASSES = 2;
  private static final int LANES = 1;
  private static final int SALT_BYTES = 16;
  private static final int OUTPUT_BYTES = 48;

  /** Big-endian; null once wiped. */
  private byte @Nullable [] w;

  private PakeSecret(byte[] w) {
    this.w = w;
  }

  /** Takes 60 to 110 ms of one core and 19 MiB: never on an event loop, never for a stranger. */
  public static PakeSecret of(Invitation invitation) {
    byte[] secret = invitation.secret();
    byte[] stretched = new byte[OUTPUT_BYTES];
    try {
      Argon2BytesGenerator argon2 = new Argon2BytesGenerator();
      argon2.init(
          new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
              .withVersion(Argon2Parameters.ARGON2_VERSION_13)
              .withMemoryAsKB(MEMORY_KIBIBYTES)
              .withIterations(PASSES)
              .withParallelism(LANES)
              .withSalt(salt(invitation.nameplate()))
              .build());
      argon2.generateBytes(secret, stretched);
      return ofScalar(BigIntegers.fromUnsignedByteArray(stretched).mod(Curve.ORDER));
    } finally {
      Arrays.fill(secret, (byte) 0);
      Arrays.fill(stretched, (byte) 0);
    }
  }

  static PakeSecret ofScalar(BigInteger w) {
    return new PakeSecret(BigIntegers.asUnsignedByteArray(Curve.SCALAR_BYTES, w));
  }

  /**
   * A copy that lives and is closed by itself.
   *
   * @throws IllegalStateException if this one was closed
   */
  public synchronized PakeSecret copy() {
    return new PakeSecret(live().clone());
  }

  /** Big-endian, 32 bytes; a copy that the caller wipes. */
  synchronized byte[] bytes() {
    return live().clone();
  }

  /** Wipes it. Does nothing the second time. */
  @Override
  public synchronized void close() {
    if (w != null) {
      Arrays.fill(w, (byte) 0);
      w = null;
    }
  }

  private byte[] live() {
    if (w == null) {
      throw new IllegalStateException("the secret was wiped");
    }
    return w;
  }

  private static byte[] salt(int nameplate) {
    SHA256Digest sha256 = new SHA256Digest();
    byte[] label = Labels.codeSalt();
    sha256.update(label, 0, label.length);
    sha256.update(ByteBuffer.allocate(Integer.BYTES).putInt(nameplate).array(), 0, Integer.BYTES);
    byte[] digest = new byte[sha256.getDigestSize()];
    sha256.doFinal(digest, 0);
    return Arrays.copyOf(digest, SALT_BYTES);
  }
}
