package io.wormhole.protocol.join;

import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.math.ec.ECMultiplier;
import org.bouncycastle.math.ec.ECPoint;
import org.bouncycastle.math.ec.FixedPointCombMultiplier;
import org.bouncycastle.util.BigIntegers;

/** P-256 as SPAKE2 needs it: its base, its order, and the points M and N of RFC 9382, section 6. */
final class Curve {
  /** Bytes of an uncompressed point. */
  static final int POINT_BYTES = 65;

  /** Bytes of a scalar, and of either coordinate. */
  static final int SCALAR_BYTES = 32;

  private static final int UNCOMPRESSED = 0x04;
  private static final X9ECParameters PARAMETERS = CustomNamedCurves.getByName("P-256");

  static final ECPoint G = PARAMETERS.getG();
  static final BigInteger ORDER = PARAMETERS.getN();
  static final ECPoint M =
      constant("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f");
  static final ECPoint N =
      constant("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49");

  private Curve() {}

  /**
   * A point from a peer: 65 bytes, uncompressed, on the curve. (Infinity has no such encoding, and
   * the cofactor is 1, so every point that passes has the full order.)
   *
   * @throws Spake2Exception for anything else
   */
  static ECPoint decode(byte[] encoded) throws Spake2Exception {
    if (encoded.length != POINT_BYTES || encoded[0] != UNCOMPRESSED) {
      throw new Spake2Exception("SPAKE2 share is no uncompressed point of P-256");
    }
    try {
      return PARAMETERS.getCurve().decodePoint(encoded);
    } catch (IllegalArgumentException notOnCurve) {
      throw new Spake2Exception("SPAKE2 share is not on P-256", notOnCurve);
    }
  }

  /** 65 bytes of a point that is not infinity. */
  static byte[] encode(ECPoint point) {
    return point.normalize().getEncoded(false);
  }

  /**
   * A point times a secret. The comb takes the same steps and looks through the same table for
   * every scalar; the general multiplier's steps depend on it.
   */
  static ECPoint multiply(ECPoint point, BigInteger secret) {
    ECMultiplier comb = new FixedPointCombMultiplier();
    return comb.multiply(point, secret);
  }

  /** A scalar of 1 to the order less one, each as likely. */
  static BigInteger randomScalar(SecureRandom random) {
    return BigIntegers.createRandomInRange(BigInteger.ONE, ORDER.subtract(BigInteger.ONE), random);
  }

  private static ECPoint constant(String compressed) {
    return PARAMETERS.getCurve().decodePoint(HexFormat.of().parseHex(compressed));
  }
}
