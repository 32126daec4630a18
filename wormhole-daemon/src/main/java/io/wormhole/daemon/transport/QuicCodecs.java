package io.wormhole.daemon.transport;

import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.quic.QuicChannel;
import io.netty.handler.codec.quic.QuicChannelOption;
import io.netty.handler.codec.quic.QuicClientCodecBuilder;
import io.netty.handler.codec.quic.QuicCodecBuilder;
import io.netty.handler.codec.quic.QuicCongestionControlAlgorithm;
import io.netty.handler.codec.quic.QuicServerCodecBuilder;
import io.netty.handler.codec.quic.QuicSslContext;
import io.netty.handler.codec.quic.QuicSslContextBuilder;
import io.netty.handler.codec.quic.QuicStreamChannel;
import io.netty.handler.ssl.ClientAuth;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.X509ExtendedTrustManager;

/** The codecs of both ends, from the settings. Each socket gets one of its own. */
final class QuicCodecs {
  /** The protocol both ends must name in TLS. */
  static final String ALPN = "wormhole/1";

  /** BBR, for losses do not make it slow: docs/adr/0014. */
  private static final QuicCongestionControlAlgorithm CONGESTION_CONTROL =
      QuicCongestionControlAlgorithm.BBR;

  /** What that is called. */
  static final String CONTROLLER = CONGESTION_CONTROL.name().toLowerCase(Locale.ROOT);

  private final TransportSettings settings;
  private final QuicSslContext dialling;
  private final QuicSslContext listening;

  QuicCodecs(
      PrivateKey key,
      X509Certificate certificate,
      X509ExtendedTrustManager peers,
      TransportSettings settings) {
    this.settings = settings;
    OneKey identity = new OneKey(key, certificate);
    this.dialling =
        QuicSslContextBuilder.forClient()
            .keyManager(identity, null)
            .trustManager(peers)
            .applicationProtocols(ALPN)
            .earlyData(false)
            .build();
    this.listening =
        QuicSslContextBuilder.forServer(identity, null)
            .trustManager(peers)
            .clientAuth(ClientAuth.REQUIRE)
            .applicationProtocols(ALPN)
            .earlyData(false)
            .build();
  }

  /** For a socket that one connection is made from. The peer opens no streams on it. */
  ChannelHandler dialling() {
    // No peer name is given to the engine, so it finds no earlier session to resume.
    return common(
            new QuicClientCodecBuilder(),
            settings.dialConnectionWindowBytes(),
            settings.dialStreamWindowBytes(),
            0)
        .sslEngineProvider(channel -> dialling.newEngine(channel.alloc()))
        .build();
  }

  /**
   * For a socket that takes connections, each set up by {@code connections}.
   *
   * @param tokens of this socket alone
   */
  ChannelHandler listening(ChannelInitializer<QuicChannel> connections, RetryTokens tokens) {
    return common(
            new QuicServerCodecBuilder(),
            settings.listenConnectionWindowBytes(),
            settings.listenStreamWindowBytes(),
            settings.streamsPerLane())
        .tokenHandler(tokens)
        .sslEngineProvider(channel -> listening.newEngine(channel.alloc()))
        .option(
            QuicChannelOption.SEGMENTED_DATAGRAM_PACKET_ALLOCATOR, UdpSocket.segmenting(settings))
        .handler(connections)
        .streamOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
        .streamHandler(streamsOpenedByPeer())
        .build();
  }

  /** Hands each stream the peer opens to the lane it is on. */
  static ChannelInitializer<QuicStreamChannel> streamsOpenedByPeer() {
    return new ChannelInitializer<>() {
      @Override
      protected void initChannel(QuicStreamChannel stream) {
        stream.parent().pipeline().get(QuicLane.class).streamOpenedByPeer(stream);
      }
    };
  }

  private <B extends QuicCodecBuilder<B>> B common(
      B builder, long connectionWindowBytes, long streamWindowBytes, int streams) {
    return builder
        .maxIdleTimeout(settings.idleTimeout().toMillis(), TimeUnit.MILLISECONDS)
        .maxSendUdpPayloadSize(settings.sendPayloadBytes())
        .maxRecvUdpPayloadSize(settings.receivePayloadBytes())
        .discoverPmtu(true)
        .initialMaxData(connectionWindowBytes)
        .initialMaxStreamDataBidirectionalLocal(streamWindowBytes)
        .initialMaxStreamDataBidirectionalRemote(streamWindowBytes)
        .initialMaxStreamDataUnidirectional(0)
        .initialMaxStreamsBidirectional(streams)
        .initialMaxStreamsUnidirectional(0)
        .congestionControlAlgorithm(CONGESTION_CONTROL)
        .initialCongestionWindowPackets(settings.initialWindowPackets());
  }
}
