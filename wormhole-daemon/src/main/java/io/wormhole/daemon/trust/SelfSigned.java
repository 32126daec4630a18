package io.wormhole.daemon.trust;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.TBSCertificate;
import org.bouncycastle.asn1.x509.Time;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.math.ec.FixedPointCombMultiplier;

/**
 * The certificate of a P-256 key, signed by that key (RFC 5280). It says nothing but the key: names
 * and dates are the same for everybody, and peers ignore them.
 */
final class SelfSigned {
  private static final X9ECParameters P256 = CustomNamedCurves.getByName("P-256");
  private static final X500Name NAME = new X500Name("CN=wormhole");
  private static final Instant NOT_BEFORE = Instant.parse("2020-01-01T00:00:00Z");

  /** RFC 5280, section 4.1.2.5: the date of what does not expire. */
  private static final Instant NOT_AFTER = Instant.parse("9999-12-31T23:59:59Z");

  private SelfSigned() {}

  /** Whether a key is of P-256, and its scalar within the curve's order. */
  static boolean isP256(ECPrivateKey key) {
    return P256.getN().equals(key.getParams().getOrder())
        && key.getS().signum() > 0
        && key.getS().compareTo(P256.getN()) < 0;
  }

  /** A certificate of the key. Two of one key differ in their signature alone. */
  static X509Certificate certificate(ECPrivateKey key, SecureRandom random)
      throws GeneralSecurityException, IOException {
    AlgorithmIdentifier ecdsa = new AlgorithmIdentifier(X9ObjectIdentifiers.ecdsa_with_SHA256);
    V3TBSCertificateGenerator generator = new V3TBSCertificateGenerator();
    generator.setSerialNumber(new ASN1Integer(BigInteger.ONE));
    generator.setSignature(ecdsa);
    generator.setIssuer(NAME);
    generator.setSubject(NAME);
    generator.setStartDate(new Time(Date.from(NOT_BEFORE)));
    generator.setEndDate(new Time(Date.from(NOT_AFTER)));
    generator.setSubjectPublicKeyInfo(
        SubjectPublicKeyInfo.getInstance(publicKey(key).getEncoded()));
    TBSCertificate content = generator.generateTBSCertificate();

    Signature signature = Signature.getInstance("SHA256withECDSA");
    signature.initSign(key, random);
    signature.update(content.getEncoded(ASN1Encoding.DER));
    byte[] certificate =
        new DERSequence(new ASN1Encodable[] {content, ecdsa, new DERBitString(signature.sign())})
            .getEncoded(ASN1Encoding.DER);
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(certificate));
  }

  private static PublicKey publicKey(ECPrivateKey key) throws GeneralSecurityException {
    org.bouncycastle.math.ec.ECPoint point =
        new FixedPointCombMultiplier().multiply(P256.getG(), key.getS()).normalize();
    ECPoint w =
        new ECPoint(point.getAffineXCoord().toBigInteger(), point.getAffineYCoord().toBigInteger());
    return KeyFactory.getInstance("EC").generatePublic(new ECPublicKeySpec(w, key.getParams()));
  }
}
