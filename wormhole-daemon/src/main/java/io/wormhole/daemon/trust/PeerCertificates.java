package io.wormhole.daemon.trust;

import io.wormhole.protocol.wire.Fingerprint;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.jspecify.annotations.Nullable;

/**
 * What both ends ask of the other's certificate: one alone, of a P-256 key, signed by that key. TLS
 * itself proves that the peer holds the key. Names and dates mean nothing, nobody is authorised:
 * who a peer is stands in its fingerprint, what it may is decided by the handshake.
 *
 * <p>An extended trust manager, because TLS would put a check of names around a plain one.
 * Stateless; any thread.
 */
public final class PeerCertificates extends X509ExtendedTrustManager {
  private static final int MAX_CERTIFICATE_BYTES = 4 << 10;

  /**
   * SHA-256 of the DER SubjectPublicKeyInfo.
   *
   * @throws IllegalArgumentException if the key has no encoding, which no X.509 key lacks
   */
  public static Fingerprint fingerprint(X509Certificate certificate) {
    byte[] spki = certificate.getPublicKey().getEncoded();
    if (spki == null) {
      throw new IllegalArgumentException("a public key without an encoding");
    }
    try {
      return Fingerprint.of(MessageDigest.getInstance("SHA-256").digest(spki));
    } catch (NoSuchAlgorithmException platform) {
      throw new IllegalStateException("this Java has no SHA-256", platform);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    check(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    check(chain);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    check(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    check(chain);
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }

  private static void check(X509Certificate @Nullable [] chain) throws CertificateException {
    if (chain == null || chain.length != 1) {
      throw new CertificateException("a peer shows one certificate, no more and no less");
    }
    X509Certificate certificate = chain[0];
    if (certificate.getEncoded().length > MAX_CERTIFICATE_BYTES) {
      throw new CertificateException("a peer's certificate is too large");
    }
    PublicKey key = certificate.getPublicKey();
    if (!(key instanceof ECPublicKey ec) || !isP256(ec)) {
      throw new CertificateException("a peer's key is not of P-256");
    }
    try {
      certificate.verify(key);
    } catch (GeneralSecurityException notItsOwn) {
      throw new CertificateException("a peer's certificate is not signed by its key", notItsOwn);
    }
  }

  private static boolean isP256(ECPublicKey key) {
    return CustomNamedCurves.getByName("P-256").getN().equals(key.getParams().getOrder());
  }
}
