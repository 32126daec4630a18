package io.wormhole.bench;

import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.disk.PageKey;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.Comparator;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
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
 * Question: how fast does L2 take and give chunks of 128 KiB, hashed on the way out?
 *
 * <p>Baseline: {@link #plainRead}, the same bytes out of a file by the same calls, unhashed. Floor:
 * {@link #put} and {@link #putWhileEvicting} 500 MB/s, which is 262 µs; {@link #get} out of the
 * page cache 2 GB/s, which is 66 µs.
 */
@SuppressWarnings("NullAway.Init")
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--add-opens=java.base/java.lang=ALL-UNNAMED",
      "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
      "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
      "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
      "--add-exports=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED"
    })
public class DiskTierBenchmark {
  private static final int CHUNK_BYTES = 128 << 10;
  private static final int CHUNKS = 512;
  private static final PageKey PAGE = new PageKey(1, 2);

  private final Blake3 blake3 = Blake3.vector();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment chunk = arena.allocate(CHUNK_BYTES, 4096);
  private Path folder = Path.of("");
  private DiskTier full;
  private DiskTier roomy;
  private DiskTier small;
  private FileChannel plain;
  private long next;

  /** Makes a cache to read, one to fill, one that is always full, and a plain file. */
  @Setup(Level.Trial)
  public void make() throws IOException {
    folder = Files.createTempDirectory("l2-bench");
    full = open("full", 1L << 30);
    roomy = open("roomy", 12L << 30);
    small = open("small", 256L << 20);
    plain =
        FileChannel.open(
            folder.resolve("plain"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    for (int index = 0; index < CHUNKS; index++) {
      chunk.set(ValueLayout.JAVA_LONG, 0, index);
      full.put(PAGE, index, false, blake3.hash(chunk).hash(), chunk);
      plain.write(chunk.asByteBuffer());
    }
  }

  private DiskTier open(String name, long limit) throws IOException {
    return DiskTier.open(folder.resolve(name), limit, 0, blake3, Clock.systemUTC());
  }

  /** Removes them. */
  @TearDown
  public void remove() throws IOException {
    full.close();
    roomy.close();
    small.close();
    plain.close();
    arena.close();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  @Benchmark
  public Object get() {
    next = (next * 5 + 3) % CHUNKS;
    return full.read(PAGE, (int) next, chunk).orElseThrow();
  }

  @Benchmark
  public int plainRead() throws IOException {
    next = (next * 5 + 3) % CHUNKS;
    return plain.read(chunk.asByteBuffer(), next * CHUNK_BYTES);
  }

  @Benchmark
  public void put() {
    put(roomy);
  }

  @Benchmark
  public void putWhileEvicting() {
    put(small);
  }

  /** The hash comes with a chunk; a number stands for it here. */
  private void put(DiskTier tier) {
    long number = ++next;
    byte[] hash =
        ByteBuffer.allocate(ChunkHash.BYTES).putLong(number * 0x9E3779B97F4A7C15L).array();
    tier.put(new PageKey(number >> 9, 7), (int) (number & 511), false, ChunkHash.of(hash), chunk);
  }
}
