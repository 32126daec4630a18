package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.protocol.wire.FrameHeader;
import io.wormhole.protocol.wire.FrameType;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.security.KeyManagementException;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * A client over TCP that keeps to no protocol of ours, by Java's own TLS: bytes as they are, any
 * certificate or none.
 */
public final class RawTlsPeer implements AutoCloseable {
  private final SSLSocket socket;

  private RawTlsPeer(SSLSocket socket) {
    this.socket = socket;
  }

  /** With a certificate of its own, under the protocol's own name. */
  public static RawTlsPeer connect(
      InetSocketAddress address, PrivateKey key, X509Certificate certificate) throws IOException {
    return connect(address, new TestIdentity(key, certificate), TlsContexts.ALPN);
  }

  static RawTlsPeer connect(
      InetSocketAddress address, @Nullable TestIdentity identity, String protocol)
      throws IOException {
    SSLSocket socket;
    try {
      SSLContext tls = SSLContext.getInstance("TLSv1.3");
      tls.init(
          identity == null
              ? null
              : new KeyManager[] {new OneKey(identity.key(), identity.certificate())},
          new TrustManager[] {new TestIdentity.Peers(true)},
          null);
      socket = (SSLSocket) tls.getSocketFactory().createSocket();
    } catch (NoSuchAlgorithmException | KeyManagementException noTls) {
      throw new AssertionError(noTls);
    }
    try {
      socket.connect(address, (int) Wire.SOON.toMillis());
      socket.setSoTimeout((int) Wire.SOON.toMillis());
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {protocol});
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      return new RawTlsPeer(socket);
    } catch (IOException refused) {
      socket.close();
      throw refused;
    }
  }

  public void send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  void send(int... bytes) throws IOException {
    byte[] sent = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      sent[i] = (byte) bytes[i];
    }
    send(sent);
  }

  /** Sends as far as the other end takes it; says whether it took all within a while. */
  public boolean tryToSend(byte[] bytes, long millis) throws InterruptedException {
    Thread sending =
        Thread.ofVirtual()
            .start(() -> {
              try {
                send(bytes);
              } catch (IOException over) {
                // As little taken as if it still waited.
                LockSupport.park();
              }
            });
    return sending.join(Duration.ofMillis(millis));
  }

  /** The next frame. */
  public RawStream.Frame next() throws IOException {
    byte[] header = in().readNBytes(FrameHeader.BYTES);
    assertThat(header).hasSize(FrameHeader.BYTES);
    byte[] payload = in().readNBytes(ByteBuffer.wrap(header).getInt());
    FrameType type = FrameType.of(header[Integer.BYTES] & 0xff);
    return new RawStream.Frame(Objects.requireNonNull(type), payload);
  }

  private InputStream in() throws IOException {
    return socket.getInputStream();
  }

  /** Waits until the other end has closed the connection; says whether it did. */
  public boolean awaitClosed() {
    try {
      while (in().read() >= 0) {
        // What it says is of no interest.
      }
      return true;
    } catch (SocketTimeoutException open) {
      return false;
    } catch (IOException reset) {
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
