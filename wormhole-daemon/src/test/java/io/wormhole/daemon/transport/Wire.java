package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.GetAttributes;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Request;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Two endpoints on loopback, one of which listens. Every test's buffers are watched: one that was
 * not given back fails the test that closes the wire.
 */
final class Wire implements AutoCloseable, Endpoint.LaneAcceptor {
  static final Duration SOON = Duration.ofSeconds(20);
  private static final Duration DIAL_WITHIN = Duration.ofSeconds(8);

  private static final ConcurrentLinkedQueue<String> LEAKS = new ConcurrentLinkedQueue<>();

  static {
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new LeakCollectors());
  }

  /** Must come before the first buffer of the process: Netty asks for its detector once. */
  static void watchLeaks() {
    assertThat(ResourceLeakDetectorFactory.instance()).isInstanceOf(LeakCollectors.class);
  }

  final TestIdentity hostIdentity = TestIdentity.create();
  final TestIdentity mountIdentity = TestIdentity.create();
  final TestIdentity.Peers hostPeers = new TestIdentity.Peers(true);
  final TestIdentity.Peers mountPeers = new TestIdentity.Peers(true);
  final Endpoint host;
  final Endpoint mount;
  final Endpoint.Listener listener;

  /** Lanes the host was given. */
  final BlockingQueue<Lane> accepted = new LinkedBlockingQueue<>();

  final ExecutorService hostIo = Executors.newFixedThreadPool(4);
  private final Function<Lane, FrameHandler> handlers;
  private final Carrier carrier;

  /** What the lanes run over. */
  enum Carrier {
    QUIC,
    TCP;

    Endpoint endpoint(
        TestIdentity identity, X509ExtendedTrustManager peers, TransportSettings settings) {
      return switch (this) {
        case QUIC -> new QuicEndpoint(identity.key(), identity.certificate(), peers, settings);
        case TCP ->
            new NetworkEndpoint(identity.key(), identity.certificate(), peers, settings, true);
      };
    }

    CompletableFuture<Lane> dial(Endpoint from, InetSocketAddress address) {
      return switch (this) {
        case QUIC -> from.dial(address, DIAL_WITHIN);
        case TCP -> from.dialNear(address);
      };
    }
  }

  Wire(TransportSettings settings, Function<Lane, FrameHandler> handlers) throws IOException {
    this(settings, Carrier.QUIC, handlers);
  }

  /** Each stream of a lane gets a handler from {@code handlers}. */
  Wire(TransportSettings settings, Carrier carrier, Function<Lane, FrameHandler> handlers)
      throws IOException {
    this.handlers = handlers;
    this.carrier = carrier;
    host = carrier.endpoint(hostIdentity, hostPeers, settings);
    mount = carrier.endpoint(mountIdentity, mountPeers, settings);
    listener = host.listen(anyPort(), this);
  }

  /** A host that trusts everyone and serves requests. */
  static Wire serving(TransportSettings settings, RequestHandler requests) throws IOException {
    return serving(settings, Carrier.QUIC, requests);
  }

  static Wire serving(TransportSettings settings, Carrier carrier, RequestHandler requests)
      throws IOException {
    Wire[] self = new Wire[1];
    ConcurrentMap<Lane, RequestServer> servers = new ConcurrentHashMap<>();
    self[0] =
        new Wire(
            settings,
            carrier,
            lane -> {
              lane.trust();
              return servers
                  .computeIfAbsent(lane, _ -> new RequestServer(requests, self[0].hostIo, 4))
                  .stream();
            });
    return self[0];
  }

  static InetSocketAddress anyPort() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  @Override
  public FrameHandler accepted(Lane lane) {
    accepted.add(lane);
    return handlers.apply(lane);
  }

  @Override
  public FrameHandler stream(Lane lane) {
    return handlers.apply(lane);
  }

  Lane dial() throws Exception {
    return await(carrier.dial(mount, listener.address()));
  }

  /** A lane on which this end believes the host. */
  Lane dialTrusted() throws Exception {
    Lane lane = dial();
    lane.trust();
    return lane;
  }

  Lane acceptedLane() throws InterruptedException {
    Lane lane = accepted.poll(SOON.toSeconds(), TimeUnit.SECONDS);
    assertThat(lane).isNotNull();
    return lane;
  }

  static <T> T await(CompletableFuture<T> future) throws Exception {
    return future.get(SOON.toSeconds(), TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    mount.close();
    host.close();
    hostIo.shutdown();
    requireNoLeak();
  }

  static void requireNoLeak() {
    // Reports what the collector found unreachable, when the next buffer is taken.
    System.gc();
    ByteBufAllocator.DEFAULT.directBuffer(16).release();
    assertThat(LEAKS).isEmpty();
  }

  // ---- what requests and answers are made of ----

  static Request.Builder readOf(int index, int length) {
    return Request.newBuilder()
        .setReadFile(
            ReadFile.newBuilder()
                .setHandle(1)
                .setOffset((long) index * Limits.CHUNK_BYTES)
                .setLength(length));
  }

  static Request.Builder attributesOf(long handle) {
    return Request.newBuilder().setGetAttributes(GetAttributes.newBuilder().setHandle(handle));
  }

  /** Answers a read with bytes that follow from offset and position. */
  static void answerRead(Request request, Responder responder) {
    if (!request.hasReadFile()) {
      responder.fail(FailureCode.FAILURE_CODE_UNKNOWN_REQUEST);
      return;
    }
    int length = request.getReadFile().getLength();
    Outbound data = responder.allocate(length);
    fill(data.data(), request.getReadFile().getOffset());
    responder.chunk(header(request.getId(), length), data);
  }

  static ChunkHeader header(long id, int length) {
    return new ChunkHeader(
        id, length, false, new byte[32], new byte[32 * ChunkHeader.groupsOf(length)]);
  }

  static void fill(MemorySegment target, long seed) {
    for (long i = 0; i < target.byteSize(); i++) {
      target.set(ValueLayout.JAVA_BYTE, i, (byte) ((seed >> 17) * 31 + i * 7 + (i >> 8)));
    }
  }

  private static final class LeakCollectors extends ResourceLeakDetectorFactory {
    @Override
    @SuppressWarnings("deprecation")
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(
        Class<T> resource, int samplingInterval, long maxActive) {
      return newResourceLeakDetector(resource, samplingInterval);
    }

    @Override
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(
        Class<T> resource, int samplingInterval) {
      return new ResourceLeakDetector<T>(resource, samplingInterval) {
        @Override
        protected void reportTracedLeak(String resourceType, String records) {
          LEAKS.add(resourceType + records);
        }

        @Override
        protected void reportUntracedLeak(String resourceType) {
          LEAKS.add(resourceType);
        }

        @Override
        protected boolean needReport() {
          return true;
        }
      };
    }
  }
}
