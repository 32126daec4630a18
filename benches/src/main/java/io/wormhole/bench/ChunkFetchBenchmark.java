package io.wormhole.bench;

import io.wormhole.daemon.transport.BulkRequests;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.Outbound;
import io.wormhole.daemon.transport.PendingRead;
import io.wormhole.daemon.transport.QuicEndpoint;
import io.wormhole.daemon.transport.RequestHandler;
import io.wormhole.daemon.transport.RequestLimits;
import io.wormhole.daemon.transport.RequestServer;
import io.wormhole.daemon.transport.RequestStream;
import io.wormhole.daemon.transport.Responder;
import io.wormhole.daemon.transport.TransportSettings;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Ping;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Question: what does a chunk of 128 KiB cost from a host's memory into a mount's, over loopback
 * and encrypted; and how long does a ping take on the control lane, alone and beside a busy bulk
 * lane?
 *
 * <p>Both ends run in this process, so they share its cores and its CPU time counts for both.
 * Baseline: {@code docs/adr/0003-netty-quic.md}. Floor: 100 MB/s on two cores, and beside a busy
 * bulk lane a median ping under 5 ms (on one lane with the chunks it would be 50).
 *
 * <p>Chunks per second; times 0.131 it is MB/s. It still rises after ten seconds.
 */
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "--sun-misc-unsafe-memory-access=allow",
      "-XX:+UseSerialGC",
      "-Xmx256m"
    })
public class ChunkFetchBenchmark {
  private static final Duration DEADLINE = Duration.ofSeconds(20);
  private static final int CHUNKS_IN_FLIGHT = 32;
  private static final int CHUNKS_AT_HOST = 64;

  /** A host's file, in memory. */
  private record Folder(MemorySegment bytes) implements RequestHandler {
    @Override
    public void handle(Request request, Responder responder) {
      int length = request.getReadFile().getLength();
      Outbound data = responder.allocate(length);
      MemorySegment.copy(bytes, request.getReadFile().getOffset(), data.data(), 0, length);
      responder.chunk(
          new ChunkHeader(
              request.getId(),
              length,
              false,
              new byte[ChunkHeader.HASH_BYTES],
              new byte[ChunkHeader.HASH_BYTES * ChunkHeader.groupsOf(length)]),
          data);
    }
  }

  /** Trusts and serves every peer. */
  private record Everyone(RequestHandler folder, Executor hostIo) implements Endpoint.LaneAcceptor {
    @Override
    public FrameHandler accepted(Lane lane) {
      lane.trust();
      return stream(lane);
    }

    @Override
    public FrameHandler stream(Lane lane) {
      return new RequestServer(folder, hostIo, 4).stream();
    }
  }

  /** Two endpoints, with a control lane and a bulk lane between them. */
  @State(Scope.Benchmark)
  public static class Lanes {
    private final Arena arena = Arena.ofShared();
    private final ExecutorService hostIo = Executors.newFixedThreadPool(4);
    private final QuicEndpoint host = endpoint();
    private final QuicEndpoint mount = endpoint();
    private final RequestStream control;
    private final BulkRequests bulk;

    public Lanes() {
      Folder folder = new Folder(arena.allocate((long) CHUNKS_AT_HOST * Limits.CHUNK_BYTES));
      try {
        Endpoint.Listener listener =
            host.listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                new Everyone(folder, hostIo));
        control = RequestStream.open(dial(mount, listener), RequestLimits.DEFAULTS).join();
        bulk =
            new BulkRequests(dial(mount, listener), RequestLimits.DEFAULTS)
                .open(BulkRequests.STREAMS)
                .join();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @TearDown
    public void disconnect() {
      mount.close();
      host.close();
      hostIo.shutdown();
    }

    private static QuicEndpoint endpoint() {
      BenchPeer peer = BenchPeer.create();
      return new QuicEndpoint(
          peer.key(), peer.certificate(), new BenchPeer.Anyone(), TransportSettings.DEFAULTS);
    }

    private static Lane dial(Endpoint from, Endpoint.Listener to) {
      Lane lane = from.dial(to.address(), DEADLINE).join();
      lane.trust();
      return lane;
    }

    PendingRead read(int index, MemorySegment destination) {
      return bulk.read(
          Request.newBuilder()
              .setReadFile(
                  ReadFile.newBuilder()
                      .setHandle(1)
                      .setOffset((long) (index % CHUNKS_AT_HOST) * Limits.CHUNK_BYTES)
                      .setLength(Limits.CHUNK_BYTES)),
          destination,
          DEADLINE);
    }

    Reply ping() throws Exception {
      return control.call(Request.newBuilder().setPing(Ping.getDefaultInstance()), DEADLINE).get();
    }
  }

  /** Reads under way, oldest first, each with its memory. */
  @State(Scope.Thread)
  public static class Reads {
    private record Slot(PendingRead read, MemorySegment memory) {}

    private final Queue<Slot> slots = new ArrayDeque<>();
    private int next;

    @Setup
    public void start(Lanes lanes) {
      for (int i = 0; i < CHUNKS_IN_FLIGHT; i++) {
        MemorySegment memory = lanes.arena.allocate(Limits.CHUNK_BYTES);
        slots.add(new Slot(lanes.read(next++, memory), memory));
      }
    }

    PendingRead.Answer oldest(Lanes lanes) throws Exception {
      Slot oldest = slots.remove();
      PendingRead.Answer answer = oldest.read().answer().get();
      slots.add(new Slot(lanes.read(next++, oldest.memory()), oldest.memory()));
      return answer;
    }

    @TearDown
    public void drain() throws Exception {
      for (Slot slot : slots) {
        // The lanes may be closed first; all that counts is that the memory is not written to.
        slot.read().answer().handle((_, _) -> true).get();
      }
    }
  }

  /** What both ends together spend: JMH adds up iterations, so the quotient is the reader's. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.EVENTS)
  public static class Cost {
    private final com.sun.management.OperatingSystemMXBean process =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private long chunks;
    private long startNanos;

    @Setup(Level.Iteration)
    public void start() {
      chunks = 0;
      startNanos = process.getProcessCpuTime();
    }

    /** CPU seconds of both ends, over all iterations. */
    public double cpuSeconds() {
      return (process.getProcessCpuTime() - startNanos) / 1e9;
    }

    /** What they were spent on, over all iterations. */
    public double gigabytes() {
      return (double) chunks * Limits.CHUNK_BYTES / 1e9;
    }
  }

  /** Keeps the bulk lane as full as a sequential reader would. */
  @State(Scope.Benchmark)
  public static class BusyBulk {
    private volatile boolean over;

    @Setup
    public void start(Lanes lanes) {
      for (int i = 0; i < CHUNKS_IN_FLIGHT; i++) {
        again(lanes, i, lanes.arena.allocate(Limits.CHUNK_BYTES));
      }
    }

    @TearDown
    public void end() {
      over = true;
    }

    private void again(Lanes lanes, int index, MemorySegment memory) {
      var _ =
          lanes
              .read(index, memory)
              .answer()
              .thenAccept(_ -> {
                if (!over) {
                  again(lanes, index + 1, memory);
                }
              });
    }
  }

  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.SECONDS)
  public PendingRead.Answer chunk(Lanes lanes, Reads reads, Cost cost) throws Exception {
    cost.chunks++;
    return reads.oldest(lanes);
  }

  @Benchmark
  @BenchmarkMode(Mode.SampleTime)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  public Reply pingAlone(Lanes lanes) throws Exception {
    return lanes.ping();
  }

  @Benchmark
  @BenchmarkMode(Mode.SampleTime)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  public Reply pingBesideBulk(Lanes lanes, BusyBulk bulk) throws Exception {
    return lanes.ping();
  }
}
