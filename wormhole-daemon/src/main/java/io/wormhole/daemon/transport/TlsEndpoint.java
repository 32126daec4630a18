package io.wormhole.daemon.transport;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultSelectStrategyFactory;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.FastThreadLocalThread;
import io.wormhole.daemon.transport.LaneException.Kind;
import java.net.InetSocketAddress;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lanes over TLS 1.3 and TCP, for short paths: the kernel cuts a megabyte into packets for what a
 * few cost in user space. Certificates are shown and judged as over QUIC.
 *
 * <p>Threads come with who listens and dials, TLS with the first lane.
 */
final class TlsEndpoint implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TlsEndpoint.class);

  /** A short path answers within a tenth of it, of which so much is left to a busy machine. */
  private static final Duration CONNECT_WITHIN = Duration.ofMillis(50);

  /** Both ends may do it for the first time. */
  private static final Duration TLS_WITHIN = Duration.ofSeconds(3);

  private static final double SHORT_RTT_MILLIS = 5;
  private static final long BIND_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final int MOST_LOOPS = 4;

  /** Events fetched at once; there are few connections on a loop. */
  private static final int EVENTS = 64;

  /** As of QUIC's streams. */
  private static final WriteBufferWaterMark WATERMARK =
      new WriteBufferWaterMark(64 << 10, 256 << 10);

  private static final long STACK_BYTES = 512 << 10;
  private static final int LEAST_READ_BYTES = 1 << 10;
  private static final int FIRST_READ_BYTES = 16 << 10;
  private static final int MOST_READ_BYTES = 256 << 10;

  private final TransportSettings settings;
  private final TlsContexts contexts;
  private final boolean epoll;
  private final EventLoopGroup loops;
  private final Set<TlsLane> lanes = ConcurrentHashMap.newKeySet();
  private final Set<Channel> listening = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  TlsEndpoint(
      PrivateKey key,
      X509Certificate certificate,
      X509ExtendedTrustManager peers,
      TransportSettings settings) {
    this.settings = settings;
    this.contexts = new TlsContexts(key, certificate, peers);
    this.epoll = settings.nativeSockets() && Epoll.isAvailable();
    AtomicInteger threads = new AtomicInteger();
    this.loops =
        new MultiThreadIoEventLoopGroup(
            Math.min(MOST_LOOPS, Runtime.getRuntime().availableProcessors()),
            task -> {
              Thread thread =
                  new FastThreadLocalThread(
                      null, task, "net-tcp-" + threads.incrementAndGet(), STACK_BYTES);
              thread.setDaemon(true);
              return thread;
            },
            epoll
                ? EpollIoHandler.newFactory(EVENTS, DefaultSelectStrategyFactory.INSTANCE)
                : NioIoHandler.newFactory());
  }

  /**
   * Takes lanes at an address.
   *
   * @return what ends this, not the lanes; empty where the port is another program's
   */
  Optional<Channel> listen(InetSocketAddress address, Endpoint.LaneAcceptor acceptor) {
    SourceQuota strangers = new SourceQuota(settings.strangers(), settings.strangersPerSource());
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loops)
            .channelFactory(epoll ? EpollServerSocketChannel::new : NioServerSocketChannel::new)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATERMARK)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) throws SSLException {
                    accept(channel, strangers, acceptor);
                  }
                })
            .bind(address);
    if (!bound.awaitUninterruptibly(BIND_NANOS, TimeUnit.NANOSECONDS) || !bound.isSuccess()) {
      LOG.info(
          "No lanes over TCP at {}: {}",
          address,
          bound.cause() == null ? "the socket did not bind" : bound.cause().getMessage());
      var _ = bound.channel().close();
      return Optional.empty();
    }
    listening.add(bound.channel());
    bound.channel().closeFuture().addListener(_ -> listening.remove(bound.channel()));
    if (closed) {
      var _ = bound.channel().close();
    }
    return Optional.of(bound.channel());
  }

  /** As {@link Endpoint#dialNear}. */
  CompletableFuture<Lane> dial(InetSocketAddress address) {
    CompletableFuture<Lane> dialled = new CompletableFuture<>();
    if (closed || address.isUnresolved()) {
      dialled.completeExceptionally(unreachable(address, "there is no way to it"));
      return dialled;
    }
    new Bootstrap()
        .group(loops)
        .channelFactory(epoll ? EpollSocketChannel::new : NioSocketChannel::new)
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) CONNECT_WITHIN.toMillis())
        .option(ChannelOption.TCP_NODELAY, true)
        .option(ChannelOption.WRITE_BUFFER_WATER_MARK, WATERMARK)
        .option(
            ChannelOption.RECVBUF_ALLOCATOR,
            new AdaptiveRecvByteBufAllocator(LEAST_READ_BYTES, FIRST_READ_BYTES, MOST_READ_BYTES))
        .handler(new ChannelInboundHandlerAdapter())
        .connect(address)
        .addListener((ChannelFuture connected) -> {
          if (!connected.isSuccess()) {
            dialled.completeExceptionally(unreachable(address, connected.cause().getMessage()));
          } else {
            connected(connected.channel(), address, dialled);
          }
        });
    return dialled;
  }

  /** On the connection's event loop. */
  private void connected(
      Channel channel, InetSocketAddress address, CompletableFuture<Lane> dialled) {
    double rtt = TlsLane.rttMillis(channel);
    // Java's own clock would count what a busy machine takes.
    boolean isShort = rtt >= 0 ? rtt < SHORT_RTT_MILLIS : isNeighbour(address);
    if (!isShort || !channel.isActive()) {
      dialled.completeExceptionally(
          unreachable(address, "the path takes %.1f ms, or was lost".formatted(rtt)));
      var _ = channel.close();
      return;
    }
    TlsLane lane;
    try {
      lane = add(channel, contexts.dialling(channel.alloc()), address, null);
    } catch (SSLException | RuntimeException | LinkageError noTls) {
      LOG.warn("TLS does not work here", noTls);
      dialled.completeExceptionally(unreachable(address, noTls.getMessage()));
      var _ = channel.close();
      return;
    }
    var _ =
        lane.opened()
            .whenComplete((open, why) -> {
              if (open == null) {
                dialled.completeExceptionally(why);
              } else if (!dialled.complete(open)) {
                lane.close(CloseReason.DONE);
              }
            });
  }

  private void accept(Channel channel, SourceQuota strangers, Endpoint.LaneAcceptor acceptor)
      throws SSLException {
    InetSocketAddress remote = (InetSocketAddress) channel.remoteAddress();
    Optional<SourceQuota.Place> place =
        remote == null ? Optional.empty() : strangers.take(SourcePrefix.of(remote));
    if (place.isEmpty()) {
      // Not a word: to say one takes the handshake that there is no room for.
      var _ = channel.close();
      return;
    }
    SslHandler tls;
    try {
      tls = contexts.listening(channel.alloc());
    } catch (SSLException | RuntimeException | LinkageError noTls) {
      place.get().leave();
      throw noTls;
    }
    add(channel, tls, remote, acceptor).leaving(place.get()::leave);
  }

  private TlsLane add(
      Channel channel,
      SslHandler tls,
      InetSocketAddress remote,
      Endpoint.@Nullable LaneAcceptor acceptor) {
    tls.setCloseNotifyFlushTimeoutMillis(ChannelLane.CLOSE_WITHIN.toMillis());
    tls.setHandshakeTimeoutMillis(
        acceptor == null ? TLS_WITHIN.toMillis() : settings.handshakeTimeout().toMillis());
    TlsLane lane = new TlsLane(channel, tls, remote, settings, acceptor);
    channel.pipeline().addLast(tls).addLast(lane);
    lane.begin();
    lanes.add(lane);
    channel.closeFuture().addListener(_ -> lanes.remove(lane));
    if (closed) {
      lane.close(CloseReason.GOODBYE);
    }
    return lane;
  }

  /** Closes every lane and listener; returns within two seconds. */
  @Override
  public void close() {
    closed = true;
    listening.forEach(channel -> {
      var _ = channel.close();
    });
    ChannelLane.closeAll(lanes);
    var _ = loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  private static boolean isNeighbour(InetSocketAddress address) {
    return !PeerAddress.pathKind(address.getAddress()).equals(PeerAddress.DIRECT);
  }

  private static LaneException unreachable(InetSocketAddress address, @Nullable String why) {
    return new LaneException(
        Kind.UNREACHABLE,
        CloseReason.DONE,
        "no TCP to %s:%d: %s".formatted(address.getHostString(), address.getPort(), why));
  }
}
