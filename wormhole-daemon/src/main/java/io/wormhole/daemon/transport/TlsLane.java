package io.wormhole.daemon.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollTcpInfo;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.wormhole.daemon.transport.LaneException.Kind;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Close;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.security.cert.Certificate;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/**
 * A lane over one TCP connection under TLS 1.3, which is its one stream as well. What QUIC tells
 * with its close, why a lane ends, is a frame here.
 */
final class TlsLane extends ChannelLane {
  private static final double UNKNOWN = -1;

  /** Whichever its administrator has chosen. */
  private static final String CONTROLLER = "kernel";

  /** How often within the idle timeout it is looked whether anything moves. */
  private static final int LOOKS = 4;

  private final Channel channel;
  private final SslHandler tls;
  private final boolean ours;

  /** When bytes came, or went. */
  private long movedNanos = System.nanoTime();

  private @Nullable ChannelFrameStream stream;
  private @Nullable UntilClose frames;
  private boolean peerHasClosed;
  private boolean timedOut;

  /**
   * A lane of a connection that is there, under TLS that is not yet.
   *
   * @param acceptor for a lane that a peer made; null for one of ours
   */
  TlsLane(
      Channel channel,
      SslHandler tls,
      InetSocketAddress remote,
      TransportSettings settings,
      Endpoint.@Nullable LaneAcceptor acceptor) {
    super(channel, remote, settings, acceptor);
    this.channel = channel;
    this.tls = tls;
    this.ours = acceptor == null;
    saw(new PathFigures(PeerAddress.pathKind(remote.getAddress()), UNKNOWN, 0, "", 0, 0));
  }

  // ---- any thread ----

  @Override
  public CompletableFuture<FrameStream> openStream(FrameHandler handler) {
    CompletableFuture<FrameStream> opened = new CompletableFuture<>();
    try {
      execute(() -> open(handler, opened));
    } catch (RejectedExecutionException loopGone) {
      var _ = closed().thenAccept(opened::completeExceptionally);
    }
    return opened;
  }

  @Override
  public String carrier() {
    return "tcp";
  }

  @Override
  public int streams() {
    return 1;
  }

  // ---- event loop: opening ----

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof SslHandshakeCompletionEvent completed) {
      tlsCompleted(context, completed);
      if (!ours && completed.isSuccess() && isOpen()) {
        // The whole connection is the stream.
        openedByPeer(channel, this::endOutput);
      }
    } else {
      context.fireUserEventTriggered(event);
    }
  }

  @Override
  Certificate[] shown() throws SSLPeerUnverifiedException {
    return tls.engine().getSession().getPeerCertificates();
  }

  @Override
  void connected() {
    if (!TlsContexts.ALPN.equals(tls.applicationProtocol())) {
      violated("another protocol's name in TLS");
      return;
    }
    refreshPath();
    lookLater();
    // Before anybody opens it, so that a close is understood, and can be said.
    var _ = add(channel, Unasked.NOTHING, this::endOutput);
  }

  private void open(FrameHandler handler, CompletableFuture<FrameStream> opened) {
    UntilClose until = frames;
    if (!isOpen()) {
      opened.completeExceptionally(whyClosed());
    } else if (until == null || !until.isUnasked()) {
      opened.completeExceptionally(
          new LaneException(
              Kind.UNREACHABLE,
              CloseReason.DONE,
              "a lane over TCP has one stream, and it is taken"));
    } else {
      opened.complete(add(channel, handler, this::endOutput));
    }
  }

  @Override
  ChannelFrameStream add(Channel carrier, FrameHandler handler, Runnable endOutput) {
    UntilClose until = frames;
    ChannelFrameStream there = stream;
    if (until != null && there != null) {
      until.next = handler;
      return there;
    }
    until = new UntilClose(handler);
    ChannelFrameStream added = super.add(carrier, until, endOutput);
    frames = until;
    stream = added;
    return added;
  }

  @Override
  void refuseStreams(LaneException why) {
    // None waits.
  }

  // ---- event loop: whether it lives ----

  @Override
  void received(int bytes) {
    super.received(bytes);
    movedNanos = System.nanoTime();
  }

  @Override
  void sent() {
    // The host of a lane of ours answers pings: that the kernel takes them proves nothing.
    if (!ours) {
      movedNanos = System.nanoTime();
    }
  }

  private void lookLater() {
    after(settings().idleTimeout().dividedBy(LOOKS), this::look);
  }

  /** TCP itself says nothing of a peer that is gone. */
  private void look() {
    if (!channel.isActive()) {
      return;
    }
    if (System.nanoTime() - movedNanos >= settings().idleTimeout().toNanos()) {
      timedOut = true;
      cut();
    } else {
      lookLater();
    }
  }

  @Override
  boolean isTimedOut() {
    return timedOut;
  }

  // ---- event loop: closing ----

  /** The stream is over, and with it the lane. */
  private void endOutput() {
    close(CloseReason.DONE);
  }

  @Override
  long lingerNanos() {
    return 0;
  }

  /**
   * The other end is told and ends the connection. Ended here at once, it would be reset where
   * something has come that was not read, and what was sent would be lost.
   */
  @Override
  void sendClose(CloseReason reason) {
    ChannelFrameStream open = stream;
    if (open == null || peerHasClosed || !channel.isActive()) {
      var _ = channel.close();
      return;
    }
    open.endSending();
    ByteBuf last =
        ChannelFrameStream.encoded(
            channel.alloc(), FrameType.CLOSE, Close.newBuilder().setReason(reason.code()).build());
    channel
        .writeAndFlush(last)
        .addListener(_ -> {
          var _ = ((DuplexChannel) channel).shutdownOutput();
        });
    channel.config().setAutoRead(true);
    after(CLOSE_WITHIN, this::cut);
  }

  /** Ends the connection as it is, with nothing more said or waited for. */
  private void cut() {
    ChannelHandlerContext ofTls = channel.pipeline().context(tls);
    var _ = ofTls == null ? channel.close() : ofTls.close();
  }

  /** Hands everything on until the other end says that it closes. */
  private final class UntilClose implements FrameHandler {
    private FrameHandler next;

    UntilClose(FrameHandler next) {
      this.next = next;
    }

    boolean isUnasked() {
      return next == Unasked.NOTHING;
    }

    @Override
    public void frame(FrameStream from, FrameType type, ByteBuffer payload) throws WireException {
      if (type != FrameType.CLOSE) {
        next.frame(from, type, payload);
        return;
      }
      CloseReason reason;
      try {
        reason = CloseReason.of(Close.parseFrom(payload).getReason());
      } catch (IOException unreadable) {
        throw new WireException("a close that is none");
      }
      peerHasClosed = true;
      closedByPeer(reason);
    }

    @Override
    public @Nullable ChunkSink chunk(FrameStream from, ChunkHeader header) throws WireException {
      return next.chunk(from, header);
    }

    @Override
    public void ended(FrameStream from, LaneException why) {
      next.ended(from, why);
    }
  }

  /** Hears a stream that nobody has opened yet. */
  private enum Unasked implements FrameHandler {
    NOTHING;

    @Override
    public void frame(FrameStream from, FrameType type, ByteBuffer payload) throws WireException {
      throw new WireException("a frame before it was asked");
    }

    @Override
    public void ended(FrameStream from, LaneException why) {
      // Nobody waits.
    }
  }

  // ---- event loop: figures ----

  @Override
  void refreshPath() {
    infoOf(channel)
        .ifPresent(info ->
            saw(
                new PathFigures(
                    seen().kind(),
                    info.rtt() / 1e3,
                    0,
                    CONTROLLER,
                    info.sndCwnd() * info.sndMss(),
                    0)));
  }

  /** The kernel's round-trip time of a connection; negative where it does not tell. */
  static double rttMillis(Channel channel) {
    return infoOf(channel)
        .filter(info -> info.rtt() > 0)
        .map(info -> info.rtt() / 1e3)
        .orElse(UNKNOWN);
  }

  private static Optional<EpollTcpInfo> infoOf(Channel channel) {
    try {
      return channel instanceof EpollSocketChannel socket
          ? Optional.of(socket.tcpInfo())
          : Optional.empty();
    } catch (ChannelException gone) {
      return Optional.empty();
    }
  }
}
