package io.wormhole.daemon.mount;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.PathFigures;
import io.wormhole.protocol.wire.Fingerprint;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;

/** A lane on which nothing happens but its end. */
final class IdleLane implements Lane {
  private final CompletableFuture<LaneException> end = new CompletableFuture<>();
  volatile long bytesReceived;

  /** The other end closes it. */
  void closedByPeer(CloseReason reason) {
    end.complete(new LaneException(LaneException.Kind.CLOSED_BY_PEER, reason, "it left"));
  }

  /** Nobody answers on it any more, and it has noticed. */
  void lost() {
    end.complete(
        new LaneException(LaneException.Kind.UNREACHABLE, CloseReason.DONE, "it went silent"));
  }

  boolean isClosed() {
    return end.isDone();
  }

  @Override
  public void close(CloseReason reason) {
    end.complete(new LaneException(LaneException.Kind.CLOSED_HERE, reason, "closed here"));
  }

  @Override
  public CompletableFuture<LaneException> closed() {
    return end;
  }

  @Override
  public PathFigures path() {
    return new PathFigures("loopback", 1, 0, "", 0, bytesReceived);
  }

  @Override
  public Fingerprint peer() {
    return Fingerprint.of(new byte[Fingerprint.BYTES]);
  }

  @Override
  public String carrier() {
    return "none";
  }

  @Override
  public int streams() {
    return 1;
  }

  @Override
  public InetSocketAddress remoteAddress() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
  }

  @Override
  public CompletableFuture<FrameStream> openStream(FrameHandler handler) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void trust() {
    throw new UnsupportedOperationException();
  }
}
