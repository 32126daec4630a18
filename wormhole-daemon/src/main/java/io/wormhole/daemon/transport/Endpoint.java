package io.wormhole.daemon.transport;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Makes lanes, and takes them. One for a daemon; it owns the event loops and sockets. */
public interface Endpoint extends AutoCloseable {
  /**
   * Takes lanes at an address until the listener is closed.
   *
   * @param address port 0 for any free one
   * @throws IOException if the address is not ours or the port is taken
   */
  Listener listen(InetSocketAddress address, LaneAcceptor acceptor) throws IOException;

  /**
   * Makes a lane, on a socket of its own so that two lanes never wait for each other. The future
   * fails with a {@link LaneException}, at the latest after {@code deadline}.
   */
  CompletableFuture<Lane> dial(InetSocketAddress address, Duration deadline);

  /**
   * Makes a lane of the kind that costs least where the path is short. The future fails with a
   * {@link LaneException}: at once where this end or the other has none, and within some three
   * seconds where the path is not short, or does not let it pass.
   */
  default CompletableFuture<Lane> dialNear(InetSocketAddress address) {
    return CompletableFuture.failedFuture(
        new LaneException(
            LaneException.Kind.UNREACHABLE,
            CloseReason.DONE,
            "there are no lanes for short paths"));
  }

  /** Closes every lane and listener with GOODBYE; returns within two seconds. */
  @Override
  void close();

  /** A bound address that takes lanes. */
  interface Listener extends AutoCloseable {
    /** The address bound, with its real port. */
    InetSocketAddress address();

    /** Takes no more lanes; those there are go on. */
    @Override
    void close();
  }

  /** Is given each lane a peer made, and each stream it opens. On the event loop. */
  interface LaneAcceptor {
    /** The handler of the first stream; further streams before {@link Lane#trust} end the lane. */
    FrameHandler accepted(Lane lane);

    /** The handler of a further stream of a trusted lane. */
    FrameHandler stream(Lane lane);
  }
}
