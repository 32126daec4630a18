package io.wormhole.daemon;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.QuicEndpoint;
import io.wormhole.daemon.transport.RawFrames;
import io.wormhole.daemon.transport.RawStream;
import io.wormhole.daemon.transport.TransportSettings;
import io.wormhole.daemon.trust.Identity;
import io.wormhole.daemon.trust.PeerCertificates;
import io.wormhole.protocol.wire.FrameType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** Takes a client's lane with a certificate of its own, and carries each frame on, both ways. */
final class ManInTheMiddle implements Endpoint.LaneAcceptor, AutoCloseable {
  private final QuicEndpoint endpoint;
  private final InetSocketAddress host;
  private final Endpoint.Listener listener;
  private final List<FrameType> relayed = new CopyOnWriteArrayList<>();

  ManInTheMiddle(Identity self, InetSocketAddress host) throws Exception {
    this.host = host;
    endpoint =
        new QuicEndpoint(
            self.privateKey(),
            self.certificate(),
            new PeerCertificates(),
            TransportSettings.DEFAULTS);
    listener = endpoint.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), this);
  }

  InetSocketAddress address() {
    return listener.address();
  }

  List<FrameType> relayed() {
    return relayed;
  }

  @Override
  public FrameHandler accepted(Lane victim) {
    CompletableFuture<FrameStream> back = new CompletableFuture<>();
    return new FrameHandler() {
      private @Nullable CompletableFuture<FrameStream> onwards;

      @Override
      public void frame(FrameStream stream, FrameType type, ByteBuffer payload) {
        back.complete(stream);
        // A lane on which nothing is said is not carried on: it would take a stranger's place.
        if (onwards == null) {
          onwards =
              endpoint
                  .dial(host, Duration.ofSeconds(10))
                  .thenCompose(lane -> lane.openStream(new To(back)));
        }
        new To(onwards).frame(stream, type, payload);
      }

      @Override
      public void ended(FrameStream stream, LaneException why) {
        if (onwards != null) {
          var _ = onwards.thenAccept(to -> to.lane().close(CloseReason.DONE));
        }
      }
    };
  }

  @Override
  public FrameHandler stream(Lane lane) {
    throw new AssertionError("no further stream is opened");
  }

  @Override
  public void close() {
    endpoint.close();
  }

  /** Sends what comes to another stream, once that is there. */
  private final class To implements FrameHandler {
    private final CompletableFuture<FrameStream> other;

    To(CompletableFuture<FrameStream> other) {
      this.other = other;
    }

    @Override
    public void frame(FrameStream stream, FrameType type, ByteBuffer payload) {
      byte[] bytes = new byte[payload.remaining()];
      payload.get(bytes);
      relayed.add(type);
      var _ = other.thenAccept(to -> RawFrames.send(to, RawStream.frame(type, bytes)));
    }

    @Override
    public void ended(FrameStream stream, LaneException why) {
      // The other end hears of it by its own deadline.
    }
  }
}
