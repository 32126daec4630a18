package io.wormhole.bench;

import io.wormhole.cache.Arrival;
import io.wormhole.cache.ChunkCache;
import io.wormhole.cache.ChunkKey;
import io.wormhole.cache.ChunkLoader;
import io.wormhole.cache.FileVersion;
import io.wormhole.cache.PendingLoad;
import io.wormhole.cache.ram.Chunk;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.GroupHashes;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Question: what does a hit in L1 cost a reader, from the key to the release?
 *
 * <p>Baseline: {@link #copyOnly}, the copy a reader cannot do without. Floor: {@link #hit} and
 * {@link #hitOnTwoThreads} under 2 µs; {@link #hitAndCopy} no more than the two of them together.
 *
 * <p>The cache has been full and has evicted before; half of what fits is read in turn.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RamTierBenchmark {
  private static final int CHUNK_BYTES = 128 << 10;
  private static final int CHUNKS = (int) (ChunkCache.DEFAULT_LIMIT_BYTES / CHUNK_BYTES / 2);
  private static final Duration NOW = Duration.ZERO;

  private final FileVersion file = new FileVersion(1, 2, 3, 4, 5, 6);
  private final ChunkCache cache =
      new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, Blake3.plain(), Runnable::run);
  private final ChunkLoader zeros = new Zeros(Blake3.plain());

  /** What each reading thread has of its own. */
  @State(Scope.Thread)
  public static class Reader {
    private final Arena arena = Arena.ofConfined();
    private MemorySegment destination = MemorySegment.NULL;
    private int next;

    @Setup
    public void allocate() {
      destination = arena.allocate(CHUNK_BYTES, 4096);
    }

    @TearDown
    public void free() {
      arena.close();
    }
  }

  /** Loads that are over at once. */
  private record Zeros(Blake3 blake3) implements ChunkLoader {
    @Override
    public PendingLoad load(ChunkKey key, MemorySegment destination) {
      GroupHashes hashes = blake3.hash(destination.fill((byte) 0));
      Arrival arrival =
          new Arrival(CHUNK_BYTES, hashes.hash().bytes(), hashes.chainingValues(), false);
      return new Loaded(CompletableFuture.completedFuture(arrival));
    }
  }

  private record Loaded(CompletableFuture<Arrival> arrival) implements PendingLoad {
    @Override
    public void cancel() {
      arrival.cancel(false);
    }
  }

  @Setup(Level.Trial)
  public void fillEvictAndFillAgain() throws IOException, TimeoutException, InterruptedException {
    for (int index = 4 * CHUNKS; index >= 0; index--) {
      read(index % (3 * CHUNKS)).release();
    }
    for (int round = 0; round < 20; round++) {
      for (int index = 0; index < CHUNKS; index++) {
        read(index).release();
      }
    }
  }

  @TearDown
  public void close() {
    cache.close();
  }

  @Benchmark
  public int hit(Reader reader) throws IOException, TimeoutException, InterruptedException {
    Chunk chunk = read(next(reader));
    int length = chunk.length();
    chunk.release();
    return length;
  }

  @Benchmark
  @Threads(2)
  public int hitOnTwoThreads(Reader reader)
      throws IOException, TimeoutException, InterruptedException {
    return hit(reader);
  }

  @Benchmark
  public MemorySegment hitAndCopy(Reader reader)
      throws IOException, TimeoutException, InterruptedException {
    Chunk chunk = read(next(reader));
    MemorySegment.copy(chunk.bytes(), 0, reader.destination, 0, CHUNK_BYTES);
    chunk.release();
    return reader.destination;
  }

  @Benchmark
  @Threads(2)
  public MemorySegment hitAndCopyOnTwoThreads(Reader reader)
      throws IOException, TimeoutException, InterruptedException {
    return hitAndCopy(reader);
  }

  /** The copy alone, out of as much memory as the others read. */
  @Benchmark
  public MemorySegment copyOnly(Reader reader, Plain plain) {
    long from = (long) next(reader) * CHUNK_BYTES;
    MemorySegment.copy(plain.bytes, from, reader.destination, 0, CHUNK_BYTES);
    return reader.destination;
  }

  /** As many bytes as are read from the cache, in one piece. */
  @State(Scope.Benchmark)
  public static class Plain {
    private final Arena arena = Arena.ofShared();
    private MemorySegment bytes = MemorySegment.NULL;

    @Setup
    public void allocate() {
      bytes = arena.allocate((long) CHUNKS * CHUNK_BYTES, 4096);
    }

    @TearDown
    public void free() {
      arena.close();
    }
  }

  private Chunk read(int index) throws IOException, TimeoutException, InterruptedException {
    return cache.get(new ChunkKey(file, index), zeros).await(NOW);
  }

  private static int next(Reader reader) {
    int index = reader.next;
    reader.next = index + 1 == CHUNKS ? 0 : index + 1;
    return index;
  }
}
