package io.wormhole.daemon.transport;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultSelectStrategyFactory;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.handler.codec.quic.EpollQuicUtils;
import io.netty.handler.codec.quic.SegmentedDatagramPacketAllocator;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A UDP socket and the one event loop that serves it and nothing else. Closing it ends both.
 *
 * <p>A datagram of a peer is at most 1500 bytes on nearly every path; the receive buffer holds as
 * many of them as one system call fetches. Larger ones are cut, and so lost, which path probing
 * takes for what it is.
 */
final class UdpSocket {
  private static final Logger LOG = LoggerFactory.getLogger(UdpSocket.class);

  private static final int DATAGRAM_BYTES = 1500;

  /** Event loops recurse little; a lane that waits should cost next to nothing. */
  private static final long STACK_BYTES = 512 << 10;

  /** Events fetched at once: there is one socket. */
  private static final int EVENTS = 8;

  private final EventLoopGroup group;
  private final ChannelFuture bound;

  private UdpSocket(
      InetSocketAddress address,
      @Nullable SocketProtocolFamily family,
      TransportSettings settings,
      String threadName,
      ChannelHandler codec) {
    boolean epoll = usesEpoll(settings);
    IoHandlerFactory io =
        epoll
            ? EpollIoHandler.newFactory(EVENTS, DefaultSelectStrategyFactory.INSTANCE)
            : NioIoHandler.newFactory();
    group =
        new MultiThreadIoEventLoopGroup(
            1,
            task -> {
              Thread thread = new FastThreadLocalThread(null, task, threadName, STACK_BYTES);
              thread.setDaemon(true);
              return thread;
            },
            io);
    Bootstrap bootstrap =
        new Bootstrap()
            .group(group)
            .channelFactory(sockets(epoll, family))
            .handler(codec)
            .option(ChannelOption.SO_RCVBUF, settings.socketBufferBytes())
            .option(ChannelOption.SO_SNDBUF, settings.socketBufferBytes());
    if (epoll) {
      int batchBytes = settings.datagramsPerReceive() * DATAGRAM_BYTES;
      bootstrap
          .option(EpollChannelOption.MAX_DATAGRAM_PAYLOAD_SIZE, DATAGRAM_BYTES)
          .option(EpollChannelOption.UDP_GRO, false)
          .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(batchBytes));
    } else {
      bootstrap.option(
          ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(DATAGRAM_BYTES));
    }
    bound = bootstrap.bind(address);
    bound.addListener(done -> {
      if (done.isSuccess()) {
        logBuffers(settings);
      }
    });
  }

  /**
   * A socket that peers find. It is being bound: {@link #bound} tells how that went.
   *
   * @param codec of the connections on this socket
   */
  static UdpSocket listening(
      InetSocketAddress address,
      TransportSettings settings,
      String threadName,
      ChannelHandler codec) {
    // On every interface one socket serves both families, where the machine has both.
    SocketProtocolFamily family =
        address.getAddress().isAnyLocalAddress() ? null : familyOf(address);
    return new UdpSocket(address, family, settings, threadName, codec);
  }

  /**
   * A socket on any port of the address that packets to {@code target} leave from now; as {@link
   * #listening} in all else. When this machine loses that address the socket falls silent, and
   * another is dialled: a path that moved under a lane carries little for a long time.
   */
  static UdpSocket dialling(
      InetSocketAddress target,
      TransportSettings settings,
      String threadName,
      ChannelHandler codec) {
    return new UdpSocket(leavingFor(target), familyOf(target), settings, threadName, codec);
  }

  /** Asks the kernel for its route; sends nothing. */
  private static InetSocketAddress leavingFor(InetSocketAddress target) {
    try (DatagramSocket route = new DatagramSocket()) {
      route.connect(target);
      return new InetSocketAddress(route.getLocalAddress(), 0);
    } catch (IOException | UncheckedIOException unreachable) {
      // The dial will say so.
      return new InetSocketAddress(0);
    }
  }

  /** How binding went; its channel is the socket. */
  ChannelFuture bound() {
    return bound;
  }

  EventLoop loop() {
    return group.next();
  }

  /** Closes the socket, then ends the loop and its thread, within a second. */
  void close() {
    Channel channel = bound.channel();
    channel
        .close()
        .addListener(_ -> {
          var _ = group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        });
  }

  /** Waits for the thread to end. */
  boolean awaitEnd(long nanos) throws InterruptedException {
    return group.awaitTermination(nanos, TimeUnit.NANOSECONDS);
  }

  private static boolean usesEpoll(TransportSettings settings) {
    return settings.nativeSockets() && Epoll.isAvailable();
  }

  /** How packets are handed over many at a time, where the kernel cuts them. */
  static SegmentedDatagramPacketAllocator segmenting(TransportSettings settings) {
    return usesEpoll(settings) && EpollDatagramChannel.isSegmentedDatagramPacketSupported()
        ? EpollQuicUtils.newSegmentedAllocator(settings.segmentsPerSend())
        : SegmentedDatagramPacketAllocator.NONE;
  }

  private static SocketProtocolFamily familyOf(InetSocketAddress address) {
    return address.getAddress() instanceof Inet4Address
        ? SocketProtocolFamily.INET
        : SocketProtocolFamily.INET6;
  }

  private static ChannelFactory<DatagramChannel> sockets(
      boolean epoll, @Nullable SocketProtocolFamily family) {
    if (family == null) {
      return epoll ? EpollDatagramChannel::new : NioDatagramChannel::new;
    }
    return epoll ? () -> new EpollDatagramChannel(family) : () -> new NioDatagramChannel(family);
  }

  private void logBuffers(TransportSettings settings) {
    if (LOG.isDebugEnabled()) {
      LOG.debug(
          "Socket {}: buffers of {} bytes asked for, {} granted to receive and {} to send",
          bound.channel().localAddress(),
          settings.socketBufferBytes(),
          bound.channel().config().getOption(ChannelOption.SO_RCVBUF),
          bound.channel().config().getOption(ChannelOption.SO_SNDBUF));
    }
  }
}
