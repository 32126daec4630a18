package io.wormhole.protocol.join;

import io.wormhole.protocol.wire.Fingerprint;
import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.Arrays;
import org.bouncycastle.math.ec.ECPoint;
import org.bouncycastle.util.BigIntegers;
import org.jspecify.annotations.Nullable;

/**
 * One attempt at SPAKE2 (RFC 9382) on P-256, by one side: both prove that they know the same code
 * without telling each other, or whoever listens or sits between, anything about it. Somebody who
 * guesses has one guess for each attempt.
 *
 * <pre>
 *   client (A): pA = x·G + w·M       host (B): pB = y·G + w·N
 *   K = x·(pB − w·N) = y·(pA − w·M)
 *   TT = idA | idB | pA | pB | K | w, each behind its length
 * </pre>
 *
 * <p>The identities hold the fingerprints of both certificates as this side sees them, so an
 * exchange that passes through somebody with a certificate of his own comes to two transcripts, and
 * neither confirmation is accepted.
 *
 * <p>Used once: {@link #share}, then {@link #finish}. The scalar is fresh for each attempt. Not
 * thread-safe. Close it if it is given up before {@code finish}. The secrets it holds in arrays are
 * wiped; the {@code BigInteger} of its scalar is dropped, which is all the JVM allows.
 */
public final class Spake2 implements AutoCloseable {
  /** Bytes of a share: an uncompressed point. */
  public static final int SHARE_BYTES = Curve.POINT_BYTES;

  private final Role role;
  private final byte[] idA;
  private final byte[] idB;
  private final byte[] w;
  private final byte[] share;
  private @Nullable BigInteger scalar;

  Spake2(Role role, byte[] idA, byte[] idB, PakeSecret secret, BigInteger scalar) {
    this.role = role;
    this.idA = idA;
    this.idB = idB;
    this.w = secret.bytes();
    this.scalar = scalar;
    this.share =
        Curve.encode(
            Curve.multiply(Curve.G, scalar).add(Curve.multiply(role.ownMask(), scalarOf(w))));
  }

  /**
   * The client's side.
   *
   * @param secret copied; stays the caller's
   * @param client this side's own certificate
   * @param host the certificate that the other end of the lane showed
   */
  public static Spake2 client(
      PakeSecret secret, Fingerprint client, Fingerprint host, SecureRandom random) {
    return start(Role.CLIENT, secret, client, host, random);
  }

  /**
   * The host's side.
   *
   * @param secret copied; stays the caller's
   * @param client the certificate that the other end of the lane showed
   * @param host this side's own certificate
   */
  public static Spake2 host(
      PakeSecret secret, Fingerprint client, Fingerprint host, SecureRandom random) {
    return start(Role.HOST, secret, client, host, random);
  }

  private static Spake2 start(
      Role role, PakeSecret secret, Fingerprint client, Fingerprint host, SecureRandom random) {
    return new Spake2(
        role,
        concat(Labels.clientIdentity(), client.bytes()),
        concat(Labels.hostIdentity(), host.bytes()),
        secret,
        Curve.randomScalar(random));
  }

  /** This side's share, 65 bytes: pA of a client, pB of a host. A copy. */
  public byte[] share() {
    return share.clone();
  }

  /**
   * Takes the other side's share, and wipes what led here, whatever comes of it.
   *
   * @param peerShare untrusted, of any length
   * @param additionalData bound into the confirmations; both sides must give the same
   * @throws Spake2Exception if the share is no point an honest peer can send
   * @throws IllegalStateException the second time
   */
  public Confirmation finish(byte[] peerShare, byte[] additionalData) throws Spake2Exception {
    byte[] transcript = transcript(peerShare);
    try {
      KeySchedule.Confirmations both = KeySchedule.confirmations(transcript, additionalData);
      return switch (role) {
        case CLIENT -> new Confirmation(both.client(), both.host());
        case HOST -> new Confirmation(both.host(), both.client());
      };
    } finally {
      Arrays.fill(transcript, (byte) 0);
    }
  }

  /** TT. Holds K and w: the caller wipes it. */
  byte[] transcript(byte[] peerShare) throws Spake2Exception {
    BigInteger once = scalar;
    if (once == null) {
      throw new IllegalStateException("a SPAKE2 attempt is used once");
    }
    byte[] shared = new byte[0];
    try {
      ECPoint peer = Curve.decode(peerShare);
      ECPoint unmasked = peer.subtract(Curve.multiply(role.otherMask(), scalarOf(w)));
      if (unmasked.isInfinity()) {
        throw new Spake2Exception("SPAKE2 share is the mask alone");
      }
      shared = Curve.encode(Curve.multiply(unmasked, once));
      return switch (role) {
        case CLIENT -> KeySchedule.transcript(idA, idB, share, peerShare, shared, w);
        case HOST -> KeySchedule.transcript(idA, idB, peerShare, share, shared, w);
      };
    } finally {
      Arrays.fill(shared, (byte) 0);
      close();
    }
  }

  /** Wipes the attempt's secrets. Does nothing the second time. */
  @Override
  public void close() {
    scalar = null;
    Arrays.fill(w, (byte) 0);
  }

  private static BigInteger scalarOf(byte[] bytes) {
    return BigIntegers.fromUnsignedByteArray(bytes);
  }

  private static byte[] concat(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  /** Which point masks whose share. */
  enum Role {
    /** A of the RFC. */
    CLIENT,
    /** B of the RFC. */
    HOST;

    private ECPoint ownMask() {
      return this == CLIENT ? Curve.M : Curve.N;
    }

    private ECPoint otherMask() {
      return this == CLIENT ? Curve.N : Curve.M;
    }
  }
}
