package io.wormhole.daemon.trust;

import com.google.protobuf.MessageLite;
import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.LaneException.Kind;
import io.wormhole.daemon.transport.Outbound;
import io.wormhole.daemon.transport.PathFigures;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.FrameHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.WireException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Lanes without a network: every lane's end has an event loop of its own, frames are bytes with
 * their header between two ends, arrive in order, and are checked as they are off a socket. A
 * payload is overwritten when its handler returns, a second stream before trust ends the lane, and
 * the end of a lane follows what was sent before it.
 */
final class MemoryNetwork implements AutoCloseable {
  private final Map<InetSocketAddress, Listening> listeners = new ConcurrentHashMap<>();
  private final List<MemoryLane> lanes = new CopyOnWriteArrayList<>();
  private final AtomicInteger nextPort = new AtomicInteger(40_000);

  /** The endpoint of whoever holds this key. */
  Endpoint endpoint(Fingerprint self) {
    return endpoint(self, new InetSocketAddress(InetAddress.getLoopbackAddress(), 1));
  }

  /** The same, and the address that others see when it dials. */
  Endpoint endpoint(Fingerprint self, InetSocketAddress source) {
    return new MemoryEndpoint(self, source);
  }

  /** Every end of every lane there was. */
  List<MemoryLane> lanes() {
    return lanes;
  }

  @Override
  public void close() {
    lanes.forEach(lane -> lane.close(CloseReason.GOODBYE));
    lanes.forEach(lane -> lane.loop.shutdown());
  }

  private record Listening(Fingerprint self, Endpoint.LaneAcceptor acceptor) {}

  private final class MemoryEndpoint implements Endpoint {
    private final Fingerprint self;
    private final InetSocketAddress source;

    MemoryEndpoint(Fingerprint self, InetSocketAddress source) {
      this.self = self;
      this.source = source;
    }

    @Override
    public Listener listen(InetSocketAddress address, LaneAcceptor acceptor) {
      InetSocketAddress bound =
          new InetSocketAddress(address.getAddress(), nextPort.getAndIncrement());
      listeners.put(bound, new Listening(self, acceptor));
      return new Listener() {
        @Override
        public InetSocketAddress address() {
          return bound;
        }

        @Override
        public void close() {
          listeners.remove(bound);
        }
      };
    }

    @Override
    public CompletableFuture<Lane> dial(InetSocketAddress address, Duration deadline) {
      Listening there = listeners.get(address);
      if (there == null) {
        return CompletableFuture.failedFuture(
            new LaneException(Kind.UNREACHABLE, CloseReason.DONE, "nobody answers at " + address));
      }
      MemoryLane here = new MemoryLane(there.self(), address, null);
      MemoryLane far = new MemoryLane(self, source, there.acceptor());
      here.other = far;
      far.other = here;
      lanes.add(here);
      lanes.add(far);
      far.on(() -> far.firstHandler = there.acceptor().accepted(far));
      CompletableFuture<Lane> dialled = new CompletableFuture<>();
      here.on(() -> dialled.complete(here));
      if (here.loop.isShutdown()) {
        dialled.completeExceptionally(
            new LaneException(Kind.CLOSED_HERE, CloseReason.GOODBYE, "the network has ended"));
      }
      return dialled;
    }

    @Override
    public void close() {
      MemoryNetwork.this.close();
    }
  }

  /** One end of a lane. */
  static final class MemoryLane implements Lane {
    private final Fingerprint peer;
    private final InetSocketAddress remote;
    private final Endpoint.@Nullable LaneAcceptor acceptor;
    private final ExecutorService loop =
        Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("loop").factory());
    private final CompletableFuture<LaneException> closed = new CompletableFuture<>();
    private final List<MemoryStream> streams = new ArrayList<>();
    private @Nullable MemoryLane other;
    private @Nullable FrameHandler firstHandler;
    private volatile boolean trusted;
    private volatile boolean closing;

    private MemoryLane(
        Fingerprint peer, InetSocketAddress remote, Endpoint.@Nullable LaneAcceptor acceptor) {
      this.peer = peer;
      this.remote = remote;
      this.acceptor = acceptor;
    }

    @Override
    public Fingerprint peer() {
      return peer;
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
      return remote;
    }

    @Override
    public CompletableFuture<FrameStream> openStream(FrameHandler handler) {
      CompletableFuture<FrameStream> opened = new CompletableFuture<>();
      on(() -> {
        if (closed.isDone()) {
          opened.completeExceptionally(closed.join());
          return;
        }
        MemoryStream here = new MemoryStream(this, handler);
        MemoryStream far = new MemoryStream(far(), null);
        here.other = far;
        far.other = here;
        streams.add(here);
        far().on(() -> far().accept(far));
        opened.complete(here);
      });
      var unusedEnd = closed.thenAccept(opened::completeExceptionally);
      return opened;
    }

    private MemoryLane far() {
      return Objects.requireNonNull(other);
    }

    private void accept(MemoryStream stream) {
      if (closed.isDone()) {
        return;
      }
      if (firstHandler != null) {
        stream.handler = firstHandler;
        firstHandler = null;
      } else if (trusted && acceptor != null) {
        stream.handler = acceptor.stream(this);
      } else {
        broken("a further stream before trust");
        return;
      }
      streams.add(stream);
    }

    @Override
    public void trust() {
      trusted = true;
    }

    boolean isTrusted() {
      return trusted;
    }

    @Override
    public PathFigures path() {
      return new PathFigures("loopback", -1, 0, "", 0, 0);
    }

    @Override
    public void close(CloseReason reason) {
      synchronized (this) {
        if (closing) {
          return;
        }
        closing = true;
      }
      far()
          .on(() ->
              far().finish(new LaneException(Kind.CLOSED_BY_PEER, reason, "closed: " + reason)));
      on(() -> finish(new LaneException(Kind.CLOSED_HERE, reason, "closed here: " + reason)));
    }

    @Override
    public CompletableFuture<LaneException> closed() {
      return closed;
    }

    private void broken(String why) {
      synchronized (this) {
        closing = true;
      }
      far()
          .on(() ->
              far()
                  .finish(
                      new LaneException(
                          Kind.CLOSED_BY_PEER, CloseReason.PROTOCOL, "closed: " + why)));
      finish(new LaneException(Kind.PROTOCOL, CloseReason.PROTOCOL, why));
    }

    private void finish(LaneException why) {
      closing = true;
      if (!closed.isDone()) {
        for (MemoryStream stream : List.copyOf(streams)) {
          stream.handler().ended(stream, why);
        }
        closed.complete(why);
      }
    }

    private void on(Runnable action) {
      try {
        loop.execute(action);
      } catch (RejectedExecutionException over) {
        closed.complete(
            new LaneException(Kind.CLOSED_HERE, CloseReason.GOODBYE, "the network has ended"));
      }
    }
  }

  /** One end of a stream. */
  static final class MemoryStream implements FrameStream {
    private final MemoryLane lane;
    private @Nullable FrameHandler handler;
    private @Nullable MemoryStream other;

    private MemoryStream(MemoryLane lane, @Nullable FrameHandler handler) {
      this.lane = lane;
      this.handler = handler;
    }

    private MemoryStream far() {
      return Objects.requireNonNull(other);
    }

    private FrameHandler handler() {
      return Objects.requireNonNull(handler);
    }

    @Override
    public Lane lane() {
      return lane;
    }

    @Override
    public void send(FrameType type, MessageLite message, Turn turn) {
      sendRaw(type, message.toByteArray());
    }

    /** As a peer that keeps to nothing. */
    void sendRaw(FrameType type, byte[] payload) {
      ByteBuffer header = ByteBuffer.allocate(FrameHeader.BYTES);
      header.putInt(payload.length).put((byte) type.code()).put((byte) 0).putShort((short) 0);
      synchronized (lane) {
        if (!lane.closing) {
          lane.far().on(() -> far().arrived(header.flip(), payload));
        }
      }
    }

    private void arrived(ByteBuffer header, byte[] payload) {
      if (lane.closed.isDone()) {
        return;
      }
      ByteBuffer lent = ByteBuffer.wrap(payload.clone());
      try {
        handler().frame(this, FrameHeader.read(header, lane.trusted).type(), lent.slice());
      } catch (WireException broken) {
        lane.broken(String.valueOf(broken.getMessage()));
      } finally {
        Arrays.fill(lent.array(), (byte) 0xee);
      }
    }

    @Override
    public Outbound allocate(int bytes) {
      throw new UnsupportedOperationException("no chunk is sent while joining");
    }

    @Override
    public void send(ChunkHeader header, Outbound data, Turn turn) {
      throw new UnsupportedOperationException("no chunk is sent while joining");
    }

    @Override
    public boolean withdraw(Turn turn) {
      return false;
    }

    @Override
    public long queuedMessageBytes() {
      return queuedBytes();
    }

    @Override
    public long queuedBytes() {
      return 0;
    }

    @Override
    public void whenDrained(Runnable action) {
      lane.on(action);
    }

    @Override
    public void readEnabled(boolean enabled) {
      throw new UnsupportedOperationException("joining reads all the time");
    }

    @Override
    public void close() {
      throw new UnsupportedOperationException("a lane's first stream ends with it");
    }
  }
}
