package io.wormhole.daemon.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PeerCertificatesTest {
  private static final SecureRandom RANDOM = new SecureRandom();

  @TempDir Path folder;

  private final PeerCertificates peers = new PeerCertificates();
  private Identity one;
  private Identity other;

  @BeforeEach
  void makeIdentities() throws IOException {
    one = Identity.loadOrCreate(folder.resolve("one"), RANDOM);
    other = Identity.loadOrCreate(folder.resolve("other"), RANDOM);
  }

  @Test
  void oneSelfSignedCertificateIsTakenWhateverItsNameAndDates() {
    for (String type : new String[] {"EC", "UNKNOWN"}) {
      assertThatCode(() -> peers.checkClientTrusted(chain(one.certificate()), type))
          .doesNotThrowAnyException();
      assertThatCode(() -> peers.checkServerTrusted(chain(one.certificate()), type))
          .doesNotThrowAnyException();
    }
    assertThat(peers.getAcceptedIssuers()).isEmpty();
  }

  @Test
  void aChainOfNoneOrTwoIsRefused() {
    assertRefused();
    assertRefused(one.certificate(), one.certificate());
    assertRefused(one.certificate(), other.certificate());
  }

  @Test
  void aCertificateThatAnotherKeySignedIsRefused() throws Exception {
    byte[] encoded = one.certificate().getEncoded();
    // The last byte is the signature's.
    encoded[encoded.length - 1] ^= 1;
    X509Certificate changed =
        (X509Certificate)
            CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(encoded));
    assertRefused(changed);
  }

  @ParameterizedTest
  @CsvSource({"EC, secp384r1", "Ed25519, ed25519"})
  void aKeyOfAnotherKindIsRefused(String algorithm, String group) throws Exception {
    Path store = folder.resolve("store.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keyalg",
                algorithm,
                "-groupname",
                group,
                "-alias",
                "other",
                "-dname",
                "CN=other",
                "-storetype",
                "PKCS12",
                "-storepass",
                "changeit",
                "-keystore",
                store.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("keytool.log").toFile())
            .start();
    assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(keytool.exitValue()).isZero();
    X509Certificate other =
        (X509Certificate)
            KeyStore.getInstance(store.toFile(), "changeit".toCharArray()).getCertificate("other");
    other.verify(other.getPublicKey());
    assertRefused(other);
  }

  @Test
  void bothEndsOfATlsConnectionLearnWhoTheOtherIs() throws Exception {
    try (Tls tls = new Tls(context(one.privateKey(), one.certificate()))) {
      CompletableFuture<X509Certificate> seenByHost = tls.accept();
      try (SSLSocket socket = tls.dial(context(other.privateKey(), other.certificate()))) {
        socket.startHandshake();
        assertThat(PeerCertificates.fingerprint(peerOf(socket))).isEqualTo(one.fingerprint());
        assertThat(PeerCertificates.fingerprint(seenByHost.get(20, TimeUnit.SECONDS)))
            .isEqualTo(other.fingerprint());
      }
    }
  }

  @Test
  void whoDoesNotHoldTheKeyOfTheCertificateIsRefused() throws Exception {
    try (Tls tls = new Tls(context(one.privateKey(), one.certificate()))) {
      CompletableFuture<X509Certificate> seenByHost = tls.accept();
      try (SSLSocket socket = tls.dial(context(other.privateKey(), one.certificate()))) {
        assertThatThrownBy(
                () -> {
                  socket.startHandshake();
                  socket.getInputStream().read();
                })
            .isInstanceOf(IOException.class);
      }
      assertThatThrownBy(() -> seenByHost.get(20, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class);
    }
  }

  private void assertRefused(X509Certificate... chain) {
    assertThatThrownBy(() -> peers.checkServerTrusted(chain, "EC"))
        .isInstanceOf(CertificateException.class);
    assertThatThrownBy(() -> peers.checkClientTrusted(chain, "EC"))
        .isInstanceOf(CertificateException.class);
  }

  private static X509Certificate[] chain(X509Certificate certificate) {
    return new X509Certificate[] {certificate};
  }

  private static X509Certificate peerOf(SSLSocket socket) throws IOException {
    return (X509Certificate) socket.getSession().getPeerCertificates()[0];
  }

  private SSLContext context(PrivateKey key, X509Certificate certificate) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("identity", key, new char[0], chain(certificate));
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(store, new char[0]);
    SSLContext context = SSLContext.getInstance("TLSv1.3");
    context.init(keys.getKeyManagers(), new TrustManager[] {peers}, RANDOM);
    return context;
  }

  /** A listener on loopback that asks for the other end's certificate. */
  private static final class Tls implements AutoCloseable {
    private final SSLServerSocket listener;

    Tls(SSLContext context) throws IOException {
      listener =
          (SSLServerSocket)
              context
                  .getServerSocketFactory()
                  .createServerSocket(0, 1, InetAddress.getLoopbackAddress());
      listener.setNeedClientAuth(true);
    }

    CompletableFuture<X509Certificate> accept() {
      return CompletableFuture.supplyAsync(() -> {
        try (SSLSocket socket = (SSLSocket) listener.accept()) {
          socket.startHandshake();
          return peerOf(socket);
        } catch (IOException refused) {
          throw new UncheckedIOException(refused);
        }
      });
    }

    SSLSocket dial(SSLContext context) throws IOException {
      SSLSocket socket =
          (SSLSocket)
              context
                  .getSocketFactory()
                  .createSocket(InetAddress.getLoopbackAddress(), listener.getLocalPort());
      socket.setSoTimeout(20_000);
      return socket;
    }

    @Override
    public void close() throws IOException {
      listener.close();
    }
  }
}
