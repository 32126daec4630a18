package io.wormhole.daemon.transport;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.quic.QuicChannel;
import io.netty.handler.codec.quic.QuicConnectionCloseEvent;
import io.netty.handler.codec.quic.QuicConnectionPathStats;
import io.netty.handler.codec.quic.QuicStreamChannel;
import io.netty.handler.codec.quic.QuicStreamLimitChangedEvent;
import io.netty.handler.codec.quic.QuicStreamType;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.wormhole.daemon.transport.LaneException.Kind;
import io.wormhole.protocol.wire.Fingerprint;
import java.net.InetSocketAddress;
import java.security.cert.Certificate;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A lane over one QUIC connection. Everything but what any thread may ask lives on the connection's
 * event loop.
 *
 * <p>It is <i>connecting</i> until TLS is complete on this end and the peer's certificate known,
 * then <i>open</i>; <i>closing</i> while what was sent leaves after {@link #close}; then
 * <i>ended</i>, for one reason, for good.
 */
final class QuicLane extends ChannelInboundHandlerAdapter implements LoopLane {
  private static final Logger LOG = LoggerFactory.getLogger(QuicLane.class);

  /** What was sent may take so long to leave once the lane is closed. */
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final long PATH_FRESH_NANOS = TimeUnit.SECONDS.toNanos(1);

  private record Opening(FrameHandler handler, CompletableFuture<FrameStream> opened) {}

  private final QuicChannel channel;
  private final EventLoop loop;
  private final TransportSettings settings;
  private final Endpoint.@Nullable LaneAcceptor acceptor;
  private final CompletableFuture<Lane> opened = new CompletableFuture<>();
  private final CompletableFuture<LaneException> closed = new CompletableFuture<>();

  private volatile @Nullable Fingerprint peer;
  private volatile InetSocketAddress remote;
  private volatile boolean trusted;
  private volatile Runnable leaveDoor = () -> {};
  private volatile PathFigures path = new PathFigures("", -1, 0, 0, 0, 0);
  private volatile long pathAskedNanos;
  private final LongAdder received = new LongAdder();

  private final Set<QuicFrameStream> streams = new HashSet<>();
  private final ArrayDeque<Opening> openings = new ArrayDeque<>();
  private @Nullable FrameHandler firstHandler;
  private @Nullable LaneException closing;
  private @Nullable LaneException transportFailure;
  private boolean closeSent;

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
    this.channel = channel;
    this.loop = channel.eventLoop();
    this.remote = remote;
    this.settings = settings;
    this.acceptor = acceptor;
    this.pathAskedNanos = System.nanoTime() - PATH_FRESH_NANOS;
    channel.closeFuture().addListener(_ -> ended(whyGone()));
    if (acceptor != null) {
      after(settings.handshakeTimeout(), this::closeIfNotTrusted);
    }
  }

  /** Completes on the event loop when the lane is open, or fails with why it never was. */
  CompletableFuture<Lane> opened() {
    return opened;
  }

  // ---- any thread ----

  @Override
  public Fingerprint peer() {
    return Objects.requireNonNull(peer, "a lane is handed out only once its peer is known");
  }

  @Override
  public InetSocketAddress remoteAddress() {
    if (channel.remoteSocketAddress() instanceof InetSocketAddress seen) {
      remote = seen;
    }
    return remote;
  }

  @Override
  public CompletableFuture<FrameStream> openStream(FrameHandler handler) {
    Opening opening = new Opening(handler, new CompletableFuture<>());
    try {
      loop.execute(() -> open(opening));
    } catch (RejectedExecutionException loopGone) {
      var _ = closed.thenAccept(opening.opened()::completeExceptionally);
    }
    return opening.opened();
  }

  @Override
  public void trust() {
    trusted = true;
    leaveDoor.run();
  }

  /** Is called when the peer is a stranger no more, or gone; perhaps twice. On the event loop. */
  void leaving(Runnable action) {
    leaveDoor = action;
    channel.closeFuture().addListener(_ -> action.run());
  }

  /** Whether the connection runs over this socket. */
  boolean isOn(Channel udp) {
    return channel.parent().equals(udp);
  }

  boolean trusted() {
    return trusted;
  }

  @Override
  public PathFigures path() {
    long now = System.nanoTime();
    if (now - pathAskedNanos >= PATH_FRESH_NANOS) {
      pathAskedNanos = now;
      onLoop(this::refreshPath);
    }
    return path.withBytesReceived(received.sum());
  }

  void received(int bytes) {
    received.add(bytes);
  }

  @Override
  public void close(CloseReason reason) {
    onLoop(
        () -> closeWith(new LaneException(Kind.CLOSED_HERE, reason, "the lane was closed here")));
  }

  @Override
  public CompletableFuture<LaneException> closed() {
    return closed.copy();
  }

  @Override
  public void execute(Runnable action) {
    loop.execute(() -> guarded(action));
  }

  @Override
  public void after(Duration delay, Runnable action) {
    var _ = loop.schedule(() -> guarded(action), delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public Duration keepAlive() {
    return settings.keepAlive();
  }

  /** Runs {@code action} at once on the event loop, else soon; not at all when that is gone. */
  void onLoop(Runnable action) {
    if (loop.inEventLoop()) {
      action.run();
      return;
    }
    try {
      loop.execute(action);
    } catch (RejectedExecutionException loopGone) {
      LOG.trace("the event loop of {} is gone", remote, loopGone);
    }
  }

  @Override
  public String toString() {
    Fingerprint known = peer;
    return (known == null ? "a peer not yet known" : known.toString().substring(0, 16))
        + " at "
        + remote;
  }

  // ---- event loop: failures ----

  /** The peer broke the protocol: it is told, and heard no more. */
  void violated(String what) {
    if (closing == null && !closed.isDone()) {
      LOG.warn("Closing the lane to {}: it sent {}", this, what);
      closeNow(new LaneException(Kind.PROTOCOL, CloseReason.PROTOCOL, "the peer sent " + what));
    }
  }

  /** What bounds the frames of a peer's lane; our own lanes' requests have deadlines instead. */
  @Nullable Duration frameWindow() {
    return acceptor == null ? null : settings.frameWindow();
  }

  /** A frame that has begun does not move. */
  void tooSlow() {
    if (closing == null && !closed.isDone()) {
      LOG.info("Closing the lane to {}: a frame came too slowly", this);
      closeWith(
          new LaneException(
              Kind.CLOSED_HERE, CloseReason.TOO_SLOW, "a frame of the peer came too slowly"));
    }
  }

  /** Code of ours failed on what the peer sent; nothing that follows can be relied upon. */
  void failed(RuntimeException fault) {
    if (closing == null && !closed.isDone()) {
      LOG.error("Closing the lane to {}: handling what it sent failed", this, fault);
      closeNow(
          new LaneException(
              Kind.PROTOCOL, CloseReason.PROTOCOL, "handling what the peer sent failed"));
    }
  }

  /** Calls a handler that must not take the event loop with it. */
  void guarded(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException fault) {
      failed(fault);
    }
  }

  // ---- event loop: opening ----

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    switch (event) {
      case SslHandshakeCompletionEvent tls when tls.isSuccess() -> opened(context);
      case SslHandshakeCompletionEvent tls ->
          transportFailure = refused("TLS was refused: " + tls.cause().getMessage());
      case QuicConnectionCloseEvent close -> closedByPeer(close);
      case QuicStreamLimitChangedEvent _ -> openWaiting();
      default -> context.fireUserEventTriggered(event);
    }
  }

  private void opened(ChannelHandlerContext context) {
    try {
      Certificate[] shown =
          Objects.requireNonNull(channel.sslEngine()).getSession().getPeerCertificates();
      if (shown.length != 1) {
        violated("%d certificates instead of one".formatted(shown.length));
        return;
      }
      peer = Fingerprints.of(shown[0]);
    } catch (SSLPeerUnverifiedException noCertificate) {
      violated("no certificate");
      return;
    }
    remoteAddress();
    refreshPath();
    Endpoint.LaneAcceptor taking = acceptor;
    if (taking != null) {
      guarded(() -> firstHandler = taking.accepted(this));
    }
    opened.complete(this);
    context.fireUserEventTriggered(SslHandshakeCompletionEvent.SUCCESS);
  }

  private void open(Opening opening) {
    openings.add(opening);
    if (closed.isDone() || closing != null) {
      failOpenings(closing != null ? closing : closed.join());
      return;
    }
    after(
        settings.handshakeTimeout(),
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
              opening.opened().complete(add(created.getNow(), opening.handler()));
            } else {
              opening.opened().completeExceptionally(whyGone());
            }
          });
    }
  }

  /** A stream that the peer opened. */
  void streamOpenedByPeer(QuicStreamChannel stream) {
    FrameHandler first = firstHandler;
    Endpoint.LaneAcceptor taking = acceptor;
    if (closing != null || closed.isDone()) {
      var _ = stream.close();
    } else if (taking == null) {
      violated("a stream, which only the end that made the lane may open");
    } else if (first != null) {
      firstHandler = null;
      add(stream, first);
    } else if (trusted) {
      guarded(() -> add(stream, taking.stream(this)));
    } else {
      violated("a second stream before it was trusted");
    }
  }

  private QuicFrameStream add(QuicStreamChannel streamChannel, FrameHandler handler) {
    QuicFrameStream stream = new QuicFrameStream(this, streamChannel, handler);
    streams.add(stream);
    streamChannel.pipeline().addLast(stream);
    return stream;
  }

  void streamGone(QuicFrameStream stream) {
    if (streams.remove(stream)) {
      LaneException why = closing != null ? closing : closed.getNow(null);
      stream.end(
          why != null
              ? why
              : new LaneException(Kind.CLOSED_BY_PEER, CloseReason.DONE, "the stream has ended"));
    }
  }

  // ---- event loop: closing ----

  private void closeIfNotTrusted() {
    if (!trusted) {
      closeWith(
          new LaneException(
              Kind.CLOSED_HERE, CloseReason.TOO_SLOW, "the peer took too long to join"));
    }
  }

  private void closeWith(LaneException why) {
    if (closing != null || closed.isDone()) {
      return;
    }
    closing = why;
    failOpenings(why);
    List<QuicFrameStream> leaving = new ArrayList<>(streams);
    leaving.forEach(stream -> stream.endHandling(why));
    after(Duration.ofNanos(CLOSE_NANOS), this::sendClose);
    lingerAfter(leaving.iterator());
  }

  /** Waits for one stream after the other to be empty, then a little for what was lost. */
  private void lingerAfter(Iterator<QuicFrameStream> leaving) {
    if (leaving.hasNext()) {
      leaving.next().whenAllLeft(() -> lingerAfter(leaving));
      return;
    }
    // The codec forgets lost packets as soon as the close is sent, and does not tell what was
    // acknowledged: three round trips and the peer's delay of acknowledgements repair one loss.
    long lingerNanos =
        (long) (Math.max(0, path.rttMillis()) * 3e6) + TimeUnit.MILLISECONDS.toNanos(30);
    if (streams.stream().anyMatch(stream -> stream.wroteWithin(lingerNanos))) {
      after(Duration.ofNanos(Math.min(lingerNanos, CLOSE_NANOS)), this::sendClose);
    } else {
      sendClose();
    }
  }

  private void closeNow(LaneException why) {
    closing = why;
    failOpenings(why);
    new ArrayList<>(streams).forEach(stream -> stream.endHandling(why));
    sendClose();
  }

  private void sendClose() {
    if (!closeSent) {
      closeSent = true;
      int code = closing == null ? CloseReason.DONE.code() : closing.reason().code();
      // Later, for a close from within the codec's own reading would free what it still uses.
      loop.execute(() -> {
        var _ = channel.close(true, code, Unpooled.EMPTY_BUFFER);
      });
    }
  }

  private void closedByPeer(QuicConnectionCloseEvent close) {
    LaneException why;
    if (close.isApplicationClose()) {
      CloseReason reason = CloseReason.of(close.error());
      why =
          new LaneException(
              Kind.CLOSED_BY_PEER, reason, "the other end closed the lane: " + reason);
    } else {
      why = refused("the other end refused: " + close);
    }
    ended(why);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("The connection to {} failed", this, cause);
    if (transportFailure == null) {
      transportFailure = refused("the connection broke: " + cause.getMessage());
    }
  }

  /** Gives up a lane that is still connecting. On the event loop. */
  void giveUp(LaneException why) {
    if (closing == null && !closed.isDone()) {
      closing = why;
      ended(why);
    }
  }

  private LaneException whyGone() {
    if (closing != null) {
      return closing;
    }
    if (channel.isTimedOut()) {
      return new LaneException(
          Kind.UNREACHABLE,
          CloseReason.DONE,
          "nothing was heard of %s for %d s".formatted(remote, settings.idleTimeout().toSeconds()));
    }
    if (transportFailure != null) {
      return transportFailure;
    }
    return refused("the connection ended");
  }

  private static LaneException refused(String words) {
    return new LaneException(Kind.PROTOCOL, CloseReason.DONE, words);
  }

  private void failOpenings(LaneException why) {
    for (Opening opening = openings.poll(); opening != null; opening = openings.poll()) {
      opening.opened().completeExceptionally(why);
    }
  }

  private void ended(LaneException why) {
    if (closed.isDone()) {
      return;
    }
    LaneException reason = closing != null ? closing : why;
    if (closing == null) {
      closing = reason;
    }
    failOpenings(reason);
    List<QuicFrameStream> ending = new ArrayList<>(streams);
    streams.clear();
    ending.forEach(stream -> stream.end(reason));
    opened.completeExceptionally(reason);
    closed.complete(reason);
    sendClose();
  }

  // ---- event loop: figures ----

  private void refreshPath() {
    if (!channel.isActive()) {
      return;
    }
    channel
        .collectPathStats(0)
        .addListener((io.netty.util.concurrent.Future<QuicConnectionPathStats> collected) -> {
          QuicConnectionPathStats stats = collected.isSuccess() ? collected.getNow() : null;
          if (stats != null) {
            path = figures(stats);
          }
        });
  }

  private PathFigures figures(QuicConnectionPathStats stats) {
    String kind = path.kind().isEmpty() ? PeerAddress.pathKind(remote.getAddress()) : path.kind();
    return new PathFigures(
        kind,
        stats.rtt() / 1e6,
        stats.sent() == 0 ? 0 : 100.0 * stats.lost() / stats.sent(),
        stats.cwnd(),
        stats.sentBytes(),
        0);
  }
}
