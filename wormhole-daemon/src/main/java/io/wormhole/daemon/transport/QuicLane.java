package io.wormhole.daemon.transport;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.quic.QuicChannel;
import io.netty.handler.codec.quic.QuicConnectionCloseEvent;
import io.netty.handler.codec.quic.QuicConnectionPathStats;
import io.netty.handler.codec.quic.QuicStreamChannel;
import io.netty.handler.codec.quic.QuicStreamLimitChangedEvent;
import io.netty.handler.codec.quic.QuicStreamType;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.wormhole.daemon.transport.LaneException.Kind;
import java.net.InetSocketAddress;
import java.security.cert.Certificate;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/** A lane over one QUIC connection, each of its streams one of QUIC's. */
final class QuicLane extends ChannelLane {
  /**
   * What is added to a {@link CloseReason}'s code to make a transport error code of it, of those
   * that nobody else uses. With an application's error code the codec's library sends packets for
   * ever, if a probe of the handshake is due just then: it puts an acknowledgement into each of
   * them, and neither the close nor anything else that would end the probing.
   */
  private static final int CLOSE_CODES = 0x5748_0000;

  private record Opening(FrameHandler handler, CompletableFuture<FrameStream> opened) {}

  private final QuicChannel channel;
  private final ArrayDeque<Opening> openings = new ArrayDeque<>();

  /**
   * A lane of a connection that is being made.
   *
   * @param acceptor for a lane that a peer made; null for one of ours
   */
  QuicLane(
      QuicChannel channel,
      InetSocketAddress remote,
      TransportSettings settings,
      Endpoint.@Nullable LaneAcceptor acceptor) {
    super(channel, remote, settings, acceptor);
    this.channel = channel;
  }

  // ---- any thread ----

  @Override
  public InetSocketAddress remoteAddress() {
    if (channel.remoteSocketAddress() instanceof InetSocketAddress seen) {
      movedTo(seen);
    }
    return super.remoteAddress();
  }

  @Override
  public CompletableFuture<FrameStream> openStream(FrameHandler handler) {
    Opening opening = new Opening(handler, new CompletableFuture<>());
    try {
      execute(() -> open(opening));
    } catch (RejectedExecutionException loopGone) {
      var _ = closed().thenAccept(opening.opened()::completeExceptionally);
    }
    return opening.opened();
  }

  @Override
  public String carrier() {
    return "quic";
  }

  @Override
  public int streams() {
    return BulkRequests.STREAMS;
  }

  /** Whether the connection runs over this socket. */
  boolean isOn(Channel udp) {
    return channel.parent().equals(udp);
  }

  // ---- event loop: opening ----

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    switch (event) {
      case SslHandshakeCompletionEvent tls -> tlsCompleted(context, tls);
      case QuicConnectionCloseEvent close
          when !close.isApplicationClose() && (close.error() & 0xffff_0000) == CLOSE_CODES ->
          closedByPeer(CloseReason.of(close.error() - CLOSE_CODES));
      case QuicConnectionCloseEvent close -> ended(refused("the other end refused: " + close));
      case QuicStreamLimitChangedEvent _ -> openWaiting();
      default -> context.fireUserEventTriggered(event);
    }
  }

  @Override
  Certificate[] shown() throws SSLPeerUnverifiedException {
    return Objects.requireNonNull(channel.sslEngine()).getSession().getPeerCertificates();
  }

  @Override
  void connected() {
    remoteAddress();
    refreshPath();
  }

  private void open(Opening opening) {
    openings.add(opening);
    if (!isOpen()) {
      refuseStreams(whyClosed());
      return;
    }
    after(
        settings().handshakeTimeout(),
        () -> {
          if (openings.remove(opening)) {
            opening
                .opened()
                .completeExceptionally(
                    new LaneException(
                        Kind.UNREACHABLE,
                        CloseReason.DONE,
                        "the peer takes no more streams on this lane"));
          }
        });
    openWaiting();
  }

  /**
   * Opens streams while there is credit. To ask the codec without credit would fail and use up a
   * stream's number.
   */
  private void openWaiting() {
    while (!openings.isEmpty() && channel.peerAllowedStreams(QuicStreamType.BIDIRECTIONAL) > 0) {
      Opening opening = openings.remove();
      channel
          .createStream(QuicStreamType.BIDIRECTIONAL, new ChannelInboundHandlerAdapter())
          .addListener((io.netty.util.concurrent.Future<QuicStreamChannel> created) -> {
            if (created.isSuccess()) {
              QuicStreamChannel stream = created.getNow();
              opening.opened().complete(add(stream, opening.handler(), () -> endOutput(stream)));
            } else {
              opening
                  .opened()
                  .completeExceptionally(isOpen() ? refused("no stream was made") : whyClosed());
            }
          });
    }
  }

  /** A stream that the peer opened. */
  void streamOpenedByPeer(QuicStreamChannel stream) {
    openedByPeer(stream, () -> endOutput(stream));
  }

  private static void endOutput(QuicStreamChannel stream) {
    var _ = stream.shutdownOutput();
  }

  @Override
  void refuseStreams(LaneException why) {
    for (Opening opening = openings.poll(); opening != null; opening = openings.poll()) {
      opening.opened().completeExceptionally(why);
    }
  }

  // ---- event loop: closing ----

  /**
   * The codec forgets lost packets as soon as the close is sent, and does not tell what was
   * acknowledged: three round trips and the peer's delay of acknowledgements repair one loss.
   */
  @Override
  long lingerNanos() {
    return (long) (Math.max(0, seen().rttMillis()) * 3e6) + TimeUnit.MILLISECONDS.toNanos(30);
  }

  @Override
  void sendClose(CloseReason reason) {
    // Later, for a close from within the codec's own reading would free what it still uses.
    channel
        .eventLoop()
        .execute(() -> {
          var _ = channel.close(false, CLOSE_CODES + reason.code(), Unpooled.EMPTY_BUFFER);
        });
  }

  @Override
  boolean isTimedOut() {
    return channel.isTimedOut();
  }

  // ---- event loop: figures ----

  @Override
  void refreshPath() {
    if (!channel.isActive()) {
      return;
    }
    channel
        .collectPathStats(0)
        .addListener((io.netty.util.concurrent.Future<QuicConnectionPathStats> collected) -> {
          QuicConnectionPathStats stats = collected.isSuccess() ? collected.getNow() : null;
          if (stats != null) {
            saw(figures(stats));
          }
        });
  }

  private PathFigures figures(QuicConnectionPathStats stats) {
    String known = seen().kind();
    String kind = known.isEmpty() ? PeerAddress.pathKind(remoteAddress().getAddress()) : known;
    return new PathFigures(
        kind,
        stats.rtt() / 1e6,
        stats.sent() == 0 ? 0 : 100.0 * stats.lost() / stats.sent(),
        QuicCodecs.CONTROLLER,
        stats.cwnd(),
        0);
  }
}
