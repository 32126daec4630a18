package io.wormhole.daemon.transport;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.wormhole.daemon.transport.LaneException.Kind;
import io.wormhole.protocol.wire.Fingerprint;
import java.net.InetSocketAddress;
import java.security.cert.Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all lanes have in common, whatever carries them. Everything but what any thread may ask
 * lives on the connection's event loop.
 *
 * <p>It is <i>connecting</i> until TLS is complete on this end and the peer's certificate known,
 * then <i>open</i>; <i>closing</i> while what was sent leaves after {@link #close}; then
 * <i>ended</i>, for one reason, for good.
 */
abstract class ChannelLane extends ChannelInboundHandlerAdapter implements Lane {
  /** What was sent may take so long to leave once the lane is closed. */
  static final Duration CLOSE_WITHIN = Duration.ofSeconds(1);

  private static final Logger LOG = LoggerFactory.getLogger(ChannelLane.class);
  private static final long PATH_FRESH_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final Duration END_WITHIN = Duration.ofMillis(1500);

  private final Channel channel;
  private final EventLoop loop;
  private final TransportSettings settings;
  private final Endpoint.@Nullable LaneAcceptor acceptor;
  private final CompletableFuture<Lane> opened = new CompletableFuture<>();
  private final CompletableFuture<LaneException> closed = new CompletableFuture<>();

  private volatile @Nullable Fingerprint peer;
  private volatile InetSocketAddress remote;
  private volatile boolean trusted;
  private volatile Runnable leaveDoor = () -> {};
  private final LongAdder received = new LongAdder();
  private volatile PathFigures path = new PathFigures("", -1, 0, "", 0, 0);
  private volatile long pathAskedNanos = System.nanoTime() - PATH_FRESH_NANOS;

  private final SendTurns turns = new SendTurns();
  private final Set<ChannelFrameStream> streams = new HashSet<>();
  private @Nullable FrameHandler firstHandler;
  private @Nullable LaneException closing;
  private @Nullable LaneException transportFailure;
  private boolean closeSent;

  /**
   * A lane of a connection that is being made.
   *
   * @param acceptor for a lane that a peer made; null for one of ours
   */
  ChannelLane(
      Channel channel,
      InetSocketAddress remote,
      TransportSettings settings,
      Endpoint.@Nullable LaneAcceptor acceptor) {
    this.channel = channel;
    this.loop = channel.eventLoop();
    this.remote = remote;
    this.settings = settings;
    this.acceptor = acceptor;
  }

  /** Once, when the lane is in its connection's pipeline. On the event loop. */
  final void begin() {
    channel.closeFuture().addListener(_ -> ended(whyGone()));
    if (acceptor != null) {
      after(settings.handshakeTimeout(), this::closeIfNotTrusted);
    }
  }

  // ---- what carries it ----

  /** The certificates that the other end has shown. */
  abstract Certificate[] shown() throws SSLPeerUnverifiedException;

  /** TLS is complete: what else there is to know of the connection can be asked. */
  abstract void connected();

  /** Tells the other end why, and ends the connection, within {@link #CLOSE_WITHIN}. Once. */
  abstract void sendClose(CloseReason reason);

  /** What was handed over may need so long to arrive before the connection may end. */
  abstract long lingerNanos();

  /** Whether the connection ended because nothing was heard. */
  abstract boolean isTimedOut();

  /** Asks for the figures of the path, which are {@link #saw seen} soon. */
  abstract void refreshPath();

  /** No stream is opened any more; who waits for one is told why. */
  abstract void refuseStreams(LaneException why);

  // ---- any thread ----

  /** Completes on the event loop when the lane is open, or fails with why it never was. */
  final CompletableFuture<Lane> opened() {
    return opened;
  }

  @Override
  public final Fingerprint peer() {
    return Objects.requireNonNull(peer, "a lane is handed out only once its peer is known");
  }

  @Override
  public InetSocketAddress remoteAddress() {
    return remote;
  }

  final void movedTo(InetSocketAddress seen) {
    remote = seen;
  }

  @Override
  public final void trust() {
    trusted = true;
    leaveDoor.run();
  }

  final boolean trusted() {
    return trusted;
  }

  /** Is called when the peer is a stranger no more, or gone; perhaps twice. On the event loop. */
  final void leaving(Runnable action) {
    leaveDoor = action;
    channel.closeFuture().addListener(_ -> action.run());
  }

  /** Bytes of a stream have come. On the event loop. */
  void received(int bytes) {
    received.add(bytes);
  }

  /** The connection has taken bytes of a stream. On the event loop. */
  void sent() {}

  @Override
  public final PathFigures path() {
    long now = System.nanoTime();
    if (now - pathAskedNanos >= PATH_FRESH_NANOS) {
      pathAskedNanos = now;
      onLoop(this::refreshPath);
    }
    return path.withBytesReceived(received.sum());
  }

  /** What the path was seen to be last. */
  final PathFigures seen() {
    return path;
  }

  final void saw(PathFigures now) {
    path = now;
  }

  @Override
  public final void close(CloseReason reason) {
    onLoop(
        () -> closeWith(new LaneException(Kind.CLOSED_HERE, reason, "the lane was closed here")));
  }

  /** Ends lanes with their endpoint; returns within two seconds. */
  static void closeAll(Collection<? extends ChannelLane> lanes) {
    lanes.forEach(lane -> lane.close(CloseReason.GOODBYE));
    CompletableFuture<?>[] ending =
        lanes.stream().map(ChannelLane::closed).toArray(CompletableFuture<?>[]::new);
    try {
      CompletableFuture.allOf(ending).get(END_WITHIN.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException | ExecutionException e) {
      LOG.debug("Lanes that did not end in time are cut off", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public final CompletableFuture<LaneException> closed() {
    return closed.copy();
  }

  /**
   * Runs {@code action} on the event loop, after what it is doing now.
   *
   * @throws RejectedExecutionException if the loop is gone, and the lane long before
   */
  final void execute(Runnable action) {
    loop.execute(() -> guarded(action));
  }

  /**
   * Runs {@code action} on the event loop once {@code delay} has passed.
   *
   * @throws RejectedExecutionException if the loop is gone, and the lane long before
   */
  final void after(Duration delay, Runnable action) {
    var _ = loop.schedule(() -> guarded(action), delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** How long a quiet lane is left without a ping. */
  final Duration keepAlive() {
    return settings.keepAlive();
  }

  final TransportSettings settings() {
    return settings;
  }

  /** Of the large frames of its streams. */
  final SendTurns turns() {
    return turns;
  }

  /** Runs {@code action} at once on the event loop, else soon; not at all when that is gone. */
  final void onLoop(Runnable action) {
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
  public final String toString() {
    Fingerprint known = peer;
    return (known == null ? "a peer not yet known" : known.toString().substring(0, 16))
        + " at "
        + remote;
  }

  // ---- event loop: failures ----

  /** The peer broke the protocol: it is told, and heard no more. */
  final void violated(String what) {
    if (isOpen()) {
      LOG.warn("Closing the lane to {}: it sent {}", this, what);
      closeNow(new LaneException(Kind.PROTOCOL, CloseReason.PROTOCOL, "the peer sent " + what));
    }
  }

  /** What bounds the frames of a peer's lane; our own lanes' requests have deadlines instead. */
  final @Nullable Duration frameWindow() {
    return acceptor == null ? null : settings.frameWindow();
  }

  /** A frame that has begun does not move. */
  final void tooSlow() {
    if (isOpen()) {
      LOG.info("Closing the lane to {}: a frame came too slowly", this);
      closeWith(
          new LaneException(
              Kind.CLOSED_HERE, CloseReason.TOO_SLOW, "a frame of the peer came too slowly"));
    }
  }

  /** Code of ours failed on what the peer sent; nothing that follows can be relied upon. */
  final void failed(RuntimeException fault) {
    if (isOpen()) {
      LOG.error("Closing the lane to {}: handling what it sent failed", this, fault);
      closeNow(
          new LaneException(
              Kind.PROTOCOL, CloseReason.PROTOCOL, "handling what the peer sent failed"));
    }
  }

  /** Calls a handler that must not take the event loop with it. */
  final void guarded(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException fault) {
      failed(fault);
    }
  }

  @Override
  public final void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("The connection to {} failed", this, cause);
    if (transportFailure == null) {
      String words = "the connection broke: " + cause.getMessage();
      transportFailure =
          peer == null || cause instanceof DecoderException ? refused(words) : lost(words);
    }
  }

  // ---- event loop: opening ----

  final void tlsCompleted(ChannelHandlerContext context, SslHandshakeCompletionEvent tls) {
    if (!tls.isSuccess()) {
      transportFailure = refused("TLS was refused: " + tls.cause().getMessage());
      return;
    }
    try {
      Certificate[] shown = shown();
      if (shown.length != 1) {
        violated("%d certificates instead of one".formatted(shown.length));
        return;
      }
      peer = Fingerprints.of(shown[0]);
    } catch (SSLPeerUnverifiedException noCertificate) {
      violated("no certificate");
      return;
    }
    connected();
    if (!isOpen()) {
      return;
    }
    Endpoint.LaneAcceptor taking = acceptor;
    if (taking != null) {
      guarded(() -> firstHandler = taking.accepted(this));
    }
    opened.complete(this);
    context.fireUserEventTriggered(SslHandshakeCompletionEvent.SUCCESS);
  }

  /** A stream that the peer opened. */
  final void openedByPeer(Channel stream, Runnable endOutput) {
    FrameHandler first = firstHandler;
    Endpoint.LaneAcceptor taking = acceptor;
    if (!isOpen()) {
      var _ = stream.close();
    } else if (taking == null) {
      violated("a stream, which only the end that made the lane may open");
    } else if (first != null) {
      firstHandler = null;
      add(stream, first, endOutput);
    } else if (trusted) {
      guarded(() -> add(stream, taking.stream(this), endOutput));
    } else {
      violated("a second stream before it was trusted");
    }
  }

  /**
   * @param endOutput ends our direction of the stream
   */
  ChannelFrameStream add(Channel streamChannel, FrameHandler handler, Runnable endOutput) {
    ChannelFrameStream stream = new ChannelFrameStream(this, streamChannel, handler, endOutput);
    streams.add(stream);
    streamChannel.pipeline().addLast(stream);
    return stream;
  }

  final void streamGone(ChannelFrameStream stream) {
    if (streams.remove(stream)) {
      LaneException why = closing != null ? closing : closed.getNow(null);
      stream.end(
          why != null
              ? why
              : new LaneException(Kind.CLOSED_BY_PEER, CloseReason.DONE, "the stream has ended"));
    }
  }

  // ---- event loop: closing ----

  final boolean isOpen() {
    return closing == null && !closed.isDone();
  }

  /** Why it is closing or has ended. */
  final LaneException whyClosed() {
    return closing != null ? closing : closed.join();
  }

  private void closeIfNotTrusted() {
    if (!trusted) {
      closeWith(
          new LaneException(
              Kind.CLOSED_HERE, CloseReason.TOO_SLOW, "the peer took too long to join"));
    }
  }

  private void closeWith(LaneException why) {
    if (!isOpen()) {
      return;
    }
    closing = why;
    refuseStreams(why);
    List<ChannelFrameStream> leaving = new ArrayList<>(streams);
    leaving.forEach(stream -> stream.endHandling(why));
    after(CLOSE_WITHIN, this::sendClose);
    lingerAfter(leaving.iterator());
  }

  /** Waits for one stream after the other to be empty, then a little for what was lost. */
  private void lingerAfter(Iterator<ChannelFrameStream> leaving) {
    if (leaving.hasNext()) {
      leaving.next().whenAllLeft(() -> lingerAfter(leaving));
      return;
    }
    long lingerNanos = lingerNanos();
    if (streams.stream().anyMatch(stream -> stream.wroteWithin(lingerNanos))) {
      after(Duration.ofNanos(Math.min(lingerNanos, CLOSE_WITHIN.toNanos())), this::sendClose);
    } else {
      sendClose();
    }
  }

  private void closeNow(LaneException why) {
    closing = why;
    refuseStreams(why);
    new ArrayList<>(streams).forEach(stream -> stream.endHandling(why));
    sendClose();
  }

  private void sendClose() {
    if (!closeSent) {
      closeSent = true;
      sendClose(closing == null ? CloseReason.DONE : closing.reason());
    }
  }

  final void closedByPeer(CloseReason reason) {
    ended(
        new LaneException(Kind.CLOSED_BY_PEER, reason, "the other end closed the lane: " + reason));
  }

  /** Gives up a lane that is still connecting. On the event loop. */
  final void giveUp(LaneException why) {
    if (isOpen()) {
      closing = why;
      ended(why);
    }
  }

  private LaneException whyGone() {
    if (closing != null) {
      return closing;
    }
    if (isTimedOut()) {
      return new LaneException(
          Kind.UNREACHABLE,
          CloseReason.DONE,
          "nothing was heard of %s for %d s".formatted(remote, settings.idleTimeout().toSeconds()));
    }
    if (transportFailure != null) {
      return transportFailure;
    }
    return peer == null ? refused("the connection ended") : lost("the connection ended");
  }

  private static LaneException lost(String words) {
    return new LaneException(Kind.UNREACHABLE, CloseReason.DONE, words);
  }

  static LaneException refused(String words) {
    return new LaneException(Kind.PROTOCOL, CloseReason.DONE, words);
  }

  final void ended(LaneException why) {
    if (closed.isDone()) {
      return;
    }
    LaneException reason = closing != null ? closing : why;
    if (closing == null) {
      closing = reason;
    }
    refuseStreams(reason);
    List<ChannelFrameStream> ending = new ArrayList<>(streams);
    streams.clear();
    ending.forEach(stream -> stream.end(reason));
    opened.completeExceptionally(reason);
    closed.complete(reason);
    sendClose();
  }
}
