package io.wormhole.daemon.transport;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.unix.Errors.NativeIoException;
import io.netty.handler.codec.quic.QuicChannel;
import io.netty.handler.codec.quic.QuicChannelOption;
import io.wormhole.daemon.transport.LaneException.Kind;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Lanes over QUIC (RFC 9000) with TLS 1.3 on both sides: each end shows its one certificate, no
 * session is resumed, and the peers' trust manager decides which certificates are well-formed; who
 * may do what is decided later, by the lanes' users.
 */
public final class QuicEndpoint implements Endpoint {

  private static final long BIND_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** {@code EADDRINUSE} as the native sockets tell it. */
  private static final int ADDRESS_IN_USE = -98;

  private final TransportSettings settings;
  private final QuicCodecs codecs;
  private final SecureRandom random = new SecureRandom();
  private final AtomicInteger threads = new AtomicInteger();
  private final Set<QuicLane> lanes = ConcurrentHashMap.newKeySet();
  private final Set<QuicListener> listeners = ConcurrentHashMap.newKeySet();
  private final Set<UdpSocket> sockets = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /**
   * An endpoint without lanes; sockets and event loops come with them.
   *
   * @param key of {@code certificate}
   * @param certificate what every peer is shown
   * @param peers accepts or refuses a peer's certificate, on an event loop
   */
  public QuicEndpoint(
      PrivateKey key,
      X509Certificate certificate,
      X509ExtendedTrustManager peers,
      TransportSettings settings) {
    this.settings = settings;
    this.codecs = new QuicCodecs(key, certificate, peers, settings);
  }

  @Override
  public Listener listen(InetSocketAddress address, LaneAcceptor acceptor) throws IOException {
    requireOurs(address);
    QuicListener listener = new QuicListener(address, acceptor);
    sockets.add(listener.socket);
    if (!listener.socket.bound().awaitUninterruptibly(BIND_NANOS, TimeUnit.NANOSECONDS)
        || !listener.socket.bound().isSuccess()) {
      Throwable cause = listener.socket.bound().cause();
      end(listener.socket);
      throw new IOException(words(address, cause), cause);
    }
    listeners.add(listener);
    if (closed) {
      listener.close();
      throw new IOException("cannot listen on " + spoken(address) + ": this daemon is ending");
    }
    return listener;
  }

  @Override
  public CompletableFuture<Lane> dial(InetSocketAddress address, Duration deadline) {
    if (closed) {
      return CompletableFuture.failedFuture(
          new LaneException(Kind.CLOSED_HERE, CloseReason.GOODBYE, "this daemon is ending"));
    }
    if (address.isUnresolved()) {
      return CompletableFuture.failedFuture(
          unreachable(
              address, "no address is known for that name; check it, or give the address itself"));
    }
    CompletableFuture<Lane> dialled = new CompletableFuture<>();
    UdpSocket socket =
        UdpSocket.dialling(
            address,
            settings,
            threadName(),
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                channel
                    .pipeline()
                    .addLast(
                        new FirstPacketWatch(cause ->
                            giveUp(channel, unreachable(address, cause.getMessage()), dialled)))
                    .addLast(new HandshakeNudge())
                    .addLast(codecs.dialling());
              }
            });
    sockets.add(socket);
    socket
        .bound()
        .addListener(bound -> {
          if (bound.isSuccess()) {
            connect(socket, address, dialled);
          } else {
            dialled.completeExceptionally(
                unreachable(address, "no socket to dial from: " + bound.cause().getMessage()));
            end(socket);
          }
        });
    Future<?> giveUp =
        socket
            .loop()
            .schedule(
                () ->
                    giveUp(
                        socket.bound().channel(),
                        unreachable(
                            address,
                            "no answer within %.1f s; is it running, and may UDP pass?"
                                .formatted(deadline.toMillis() / 1e3)),
                        dialled),
                deadline.toNanos(),
                TimeUnit.NANOSECONDS);
    var _ = dialled.whenComplete((_, _) -> giveUp.cancel(false));
    return dialled;
  }

  @Override
  public void close() {
    closed = true;
    listeners.forEach(QuicListener::close);
    ChannelLane.closeAll(lanes);
    sockets.forEach(this::end);
  }

  private void connect(
      UdpSocket socket, InetSocketAddress address, CompletableFuture<Lane> dialled) {
    var _ =
        QuicChannel.newBootstrap(socket.bound().channel())
            .handler(
                new ChannelInitializer<QuicChannel>() {
                  @Override
                  protected void initChannel(QuicChannel channel) {
                    QuicLane lane = add(channel, address, null);
                    channel.closeFuture().addListener(_ -> end(socket));
                    var _ =
                        lane.opened()
                            .whenComplete((open, why) -> {
                              HandshakeNudge.end(socket.bound().channel().pipeline());
                              if (open == null) {
                                dialled.completeExceptionally(why);
                              } else if (!dialled.complete(open)) {
                                lane.close(CloseReason.DONE);
                              }
                            });
                  }
                })
            .streamHandler(QuicCodecs.streamsOpenedByPeer())
            .streamOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0)
            .option(
                QuicChannelOption.SEGMENTED_DATAGRAM_PACKET_ALLOCATOR,
                UdpSocket.segmenting(settings))
            .remoteAddress(address)
            .connect();
  }

  /** Sets up the lane of a new connection. On its event loop. */
  private QuicLane add(
      QuicChannel channel, InetSocketAddress remote, @Nullable LaneAcceptor acceptor) {
    QuicLane lane = new QuicLane(channel, remote, settings, acceptor);
    channel.pipeline().addLast(lane);
    lane.begin();
    lanes.add(lane);
    channel.closeFuture().addListener(_ -> lanes.remove(lane));
    if (closed) {
      lane.close(CloseReason.GOODBYE);
    }
    return lane;
  }

  /** Ends a dial that has not succeeded yet. On its event loop. */
  private void giveUp(Channel udp, LaneException why, CompletableFuture<Lane> dialled) {
    if (dialled.completeExceptionally(why)) {
      lanes.stream().filter(lane -> lane.isOn(udp)).forEach(lane -> lane.giveUp(why));
    }
  }

  private void end(UdpSocket socket) {
    if (sockets.remove(socket)) {
      socket.close();
    }
  }

  private String threadName() {
    return "net-" + threads.incrementAndGet();
  }

  private static LaneException unreachable(InetSocketAddress address, @Nullable String why) {
    return new LaneException(
        Kind.UNREACHABLE, CloseReason.DONE, "cannot reach " + spoken(address) + ": " + why);
  }

  private static String spoken(InetSocketAddress address) {
    return address.getHostString() + ":" + address.getPort();
  }

  private static void requireOurs(InetSocketAddress address) throws IOException {
    if (address.isUnresolved()
        || (!address.getAddress().isAnyLocalAddress()
            && NetworkInterface.getByInetAddress(address.getAddress()) == null)) {
      throw new IOException(
          "cannot listen on %s: this machine has no such address; leave it out to listen on all"
              .formatted(spoken(address)));
    }
  }

  private static String words(InetSocketAddress address, @Nullable Throwable cause) {
    boolean taken =
        cause instanceof BindException
            || (cause instanceof NativeIoException io && io.expectedErr() == ADDRESS_IN_USE);
    return taken
        ? "cannot listen on %s: another program has this port; end it, or choose another port"
            .formatted(spoken(address))
        : "cannot listen on %s: %s"
            .formatted(
                spoken(address), cause == null ? "the socket did not bind" : cause.getMessage());
  }

  private final class QuicListener implements Listener {
    private final InitialGate gate = new InitialGate();
    private final AtomicInteger holders = new AtomicInteger(1);
    private final UdpSocket socket;

    private final SourceQuota strangers =
        new SourceQuota(settings.strangers(), settings.strangersPerSource());

    QuicListener(InetSocketAddress address, LaneAcceptor acceptor) {
      ChannelInitializer<QuicChannel> connections =
          new ChannelInitializer<>() {
            @Override
            protected void initChannel(QuicChannel channel) {
              holders.incrementAndGet();
              channel.closeFuture().addListener(_ -> release());
              InetSocketAddress remote = (InetSocketAddress) channel.remoteSocketAddress();
              Optional<SourceQuota.Place> place = strangers.take(SourcePrefix.of(remote));
              QuicLane lane = add(channel, remote, acceptor);
              if (place.isPresent()) {
                lane.leaving(place.get()::leave);
              } else {
                lane.close(CloseReason.BUSY);
              }
            }
          };
      socket =
          UdpSocket.listening(
              address,
              settings,
              threadName(),
              new ChannelInitializer<Channel>() {
                @Override
                protected void initChannel(Channel channel) {
                  RetryTokens tokens =
                      new RetryTokens(
                          System::nanoTime,
                          random,
                          peer -> strangers.hasRoom(SourcePrefix.of(peer)));
                  channel.pipeline().addLast(gate).addLast(codecs.listening(connections, tokens));
                }
              });
    }

    @Override
    public InetSocketAddress address() {
      return (InetSocketAddress) socket.bound().channel().localAddress();
    }

    @Override
    public void close() {
      if (listeners.remove(this)) {
        gate.shut();
        release();
      }
    }

    /** The socket lives as long as the listener or a lane it took. */
    private void release() {
      if (holders.decrementAndGet() == 0) {
        end(socket);
      }
    }
  }
}
