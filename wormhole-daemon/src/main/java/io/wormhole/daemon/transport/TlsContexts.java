package io.wormhole.daemon.transport;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * TLS 1.3 of both ends of a TCP connection, by BoringSSL; where that is missing there are none.
 * Java's own would resume sessions. Made when the first connection needs them: a daemon without one
 * has nothing of it in memory.
 */
final class TlsContexts {
  /** The protocol both ends must name, as over QUIC. */
  static final String ALPN = QuicCodecs.ALPN;

  private final OneKey identity;
  private final X509ExtendedTrustManager peers;
  private @Nullable SslContext dialling;
  private @Nullable SslContext listening;

  TlsContexts(PrivateKey key, X509Certificate certificate, X509ExtendedTrustManager peers) {
    this.identity = new OneKey(key, certificate);
    this.peers = peers;
  }

  /** For a connection we made. No peer name is given, so no earlier session is found to resume. */
  synchronized SslHandler dialling(ByteBufAllocator alloc) throws SSLException {
    SslContext context = dialling;
    if (context == null) {
      context = build(SslContextBuilder.forClient().keyManager(identity));
      dialling = context;
    }
    return context.newHandler(alloc);
  }

  /** For a connection that a peer made. */
  synchronized SslHandler listening(ByteBufAllocator alloc) throws SSLException {
    SslContext context = listening;
    if (context == null) {
      context = build(SslContextBuilder.forServer(identity).clientAuth(ClientAuth.REQUIRE));
      listening = context;
    }
    return context.newHandler(alloc);
  }

  private SslContext build(SslContextBuilder builder) throws SSLException {
    return builder
        .sslProvider(SslProvider.OPENSSL)
        .protocols("TLSv1.3")
        .trustManager(peers)
        // Names mean nothing: a peer is its key.
        .endpointIdentificationAlgorithm(null)
        .applicationProtocolConfig(
            new ApplicationProtocolConfig(
                Protocol.ALPN,
                SelectorFailureBehavior.NO_ADVERTISE,
                SelectedListenerFailureBehavior.ACCEPT,
                ALPN))
        .build();
  }
}
