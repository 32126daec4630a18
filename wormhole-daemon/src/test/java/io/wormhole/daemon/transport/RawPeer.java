package io.wormhole.daemon.transport;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.quic.QuicChannel;
import io.netty.handler.codec.quic.QuicClientCodecBuilder;
import io.netty.handler.codec.quic.QuicSslContext;
import io.netty.handler.codec.quic.QuicSslContextBuilder;
import io.netty.handler.codec.quic.QuicStreamChannel;
import io.netty.handler.codec.quic.QuicStreamType;
import java.net.InetSocketAddress;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A client that keeps to no protocol of ours: bytes as they are, any certificate or none. */
public final class RawPeer implements AutoCloseable {
  private final UdpSocket socket;
  private final QuicChannel connection;

  private RawPeer(UdpSocket socket, QuicChannel connection) {
    this.socket = socket;
    this.connection = connection;
  }

  /** With a certificate of its own, under the protocol's own name. */
  public static RawPeer connect(
      InetSocketAddress address, PrivateKey key, X509Certificate certificate) throws Exception {
    return connect(address, new TestIdentity(key, certificate), "wormhole/1");
  }

  static RawPeer connect(
      InetSocketAddress address, @Nullable TestIdentity identity, String protocol)
      throws Exception {
    QuicSslContextBuilder tls =
        QuicSslContextBuilder.forClient()
            .trustManager(new TestIdentity.Peers(true))
            .applicationProtocols(protocol);
    if (identity != null) {
      tls.keyManager(new OneKey(identity.key(), identity.certificate()), null);
    }
    QuicSslContext context = tls.build();
    UdpSocket socket =
        UdpSocket.dialling(
            address,
            TransportSettings.DEFAULTS,
            "raw-peer",
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                channel
                    .pipeline()
                    .addLast(
                        new QuicClientCodecBuilder()
                            .maxIdleTimeout(10, TimeUnit.SECONDS)
                            .initialMaxData(1 << 20)
                            .initialMaxStreamDataBidirectionalLocal(1 << 20)
                            .sslEngineProvider(engine -> context.newEngine(engine.alloc()))
                            .build());
              }
            });
    socket.bound().sync();
    try {
      QuicChannel connection =
          QuicChannel.newBootstrap(socket.bound().channel())
              .handler(new ChannelInboundHandlerAdapter())
              .streamHandler(new ChannelInboundHandlerAdapter())
              .remoteAddress(address)
              .connect()
              .get(Wire.SOON.toSeconds(), TimeUnit.SECONDS);
      return new RawPeer(socket, connection);
    } catch (Exception e) {
      socket.close();
      throw e;
    }
  }

  /** Opens a stream whose frames are kept for {@link RawStream#next}. */
  public RawStream open() throws Exception {
    RawStream.Reader reader = new RawStream.Reader();
    return new RawStream(
        connection
            .createStream(QuicStreamType.BIDIRECTIONAL, reader)
            .get(Wire.SOON.toSeconds(), TimeUnit.SECONDS),
        reader);
  }

  QuicStreamChannel stream() throws Exception {
    return connection
        .createStream(QuicStreamType.BIDIRECTIONAL, new ChannelInboundHandlerAdapter())
        .get(Wire.SOON.toSeconds(), TimeUnit.SECONDS);
  }

  /** Opens a stream and sends these bytes on it. */
  QuicStreamChannel send(int... bytes) throws Exception {
    QuicStreamChannel stream = stream();
    byte[] sent = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      sent[i] = (byte) bytes[i];
    }
    var _ = stream.writeAndFlush(Unpooled.copiedBuffer(sent));
    return stream;
  }

  /** Whether the connection is there still. */
  public boolean isOpen() {
    return connection.isActive();
  }

  /** Waits until the other end has closed the connection. */
  public boolean awaitClosed() throws InterruptedException {
    return connection.closeFuture().await(Wire.SOON.toSeconds(), TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    connection
        .close()
        .addListener(_ -> {
          socket.close();
        });
  }
}
