package io.wormhole.daemon.transport;

import io.netty.channel.Channel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * All lanes of a daemon: over QUIC, and over TLS and TCP at the same port where that is not another
 * program's. A lane is as good over the one as over the other; over TCP it costs less on a short
 * path, and more on all others.
 */
public final class NetworkEndpoint implements Endpoint {
  private static final long CLOSE_MILLIS = 1000;

  private final QuicEndpoint quic;
  private final @Nullable TlsEndpoint tls;

  /**
   * As {@link QuicEndpoint}.
   *
   * @param tcp whether there are lanes over TCP
   */
  public NetworkEndpoint(
      PrivateKey key,
      X509Certificate certificate,
      X509ExtendedTrustManager peers,
      TransportSettings settings,
      boolean tcp) {
    this.quic = new QuicEndpoint(key, certificate, peers, settings);
    this.tls = tcp ? new TlsEndpoint(key, certificate, peers, settings) : null;
  }

  @Override
  public Listener listen(InetSocketAddress address, LaneAcceptor acceptor) throws IOException {
    Listener overQuic = quic.listen(address, acceptor);
    Optional<Channel> overTcp =
        tls == null ? Optional.empty() : tls.listen(overQuic.address(), acceptor);
    return new Listener() {
      @Override
      public InetSocketAddress address() {
        return overQuic.address();
      }

      @Override
      public void close() {
        overQuic.close();
        // The port is free for whoever listens next.
        overTcp.ifPresent(
            channel -> channel.close().awaitUninterruptibly(CLOSE_MILLIS, TimeUnit.MILLISECONDS));
      }
    };
  }

  @Override
  public CompletableFuture<Lane> dial(InetSocketAddress address, Duration deadline) {
    return quic.dial(address, deadline);
  }

  @Override
  public CompletableFuture<Lane> dialNear(InetSocketAddress address) {
    return tls == null ? Endpoint.super.dialNear(address) : tls.dial(address);
  }

  @Override
  public void close() {
    Thread other =
        Thread.ofVirtual()
            .start(() -> {
              if (tls != null) {
                tls.close();
              }
            });
    quic.close();
    try {
      other.join();
    } catch (InterruptedException hurried) {
      Thread.currentThread().interrupt();
    }
  }
}
