package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.Fingerprint;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/** A P-256 key with a self-signed certificate (X.509 v3, RFC 5280), in DER by hand. */
record TestIdentity(PrivateKey key, X509Certificate certificate) {

  static TestIdentity create() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      KeyPair pair = generator.generateKeyPair();
      // 1.2.840.10045.4.3.2: ecdsa-with-SHA256
      byte[] algorithm =
          der(0x30, der(0x06, new byte[] {0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 4, 3, 2}));
      // 2.5.4.3: commonName
      byte[] name =
          der(0x30, der(0x31, der(0x30, der(0x06, new byte[] {0x55, 4, 3}), text(0x0c, "test"))));
      byte[] validity = der(0x30, text(0x18, "20200101000000Z"), text(0x18, "99991231235959Z"));
      byte[] body =
          der(
              0x30,
              der(0xa0, der(0x02, new byte[] {2})),
              der(0x02, new BigInteger(120, new SecureRandom()).add(BigInteger.ONE).toByteArray()),
              algorithm,
              name,
              validity,
              name,
              pair.getPublic().getEncoded());
      Signature signature = Signature.getInstance("SHA256withECDSA");
      signature.initSign(pair.getPrivate());
      signature.update(body);
      byte[] bits = der(0x03, new byte[1], signature.sign());
      X509Certificate certificate =
          (X509Certificate)
              CertificateFactory.getInstance("X.509")
                  .generateCertificate(new ByteArrayInputStream(der(0x30, body, algorithm, bits)));
      return new TestIdentity(pair.getPrivate(), certificate);
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  Fingerprint fingerprint() {
    return Fingerprints.of(certificate);
  }

  private static byte[] text(int tag, String text) {
    return der(tag, text.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] der(int tag, byte[]... parts) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      content.writeBytes(part);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    int length = content.size();
    if (length < 0x80) {
      out.write(length);
    } else if (length < 0x100) {
      out.write(0x81);
      out.write(length);
    } else {
      out.write(0x82);
      out.write(length >> 8);
      out.write(length);
    }
    out.writeBytes(content.toByteArray());
    return out.toByteArray();
  }

  /** Accepts every peer, or none, and counts whom it was asked about. */
  static final class Peers extends X509ExtendedTrustManager {
    final AtomicInteger asked = new AtomicInteger();
    private final boolean accepts;

    Peers(boolean accepts) {
      this.accepts = accepts;
    }

    private void check(X509Certificate[] chain) throws CertificateException {
      asked.incrementAndGet();
      if (!accepts || chain.length != 1) {
        throw new CertificateException("refused by the test");
      }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      check(chain);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
