package io.wormhole.bench;

import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.disk.PageKey;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.IOError;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Question: what does L2 cost when it holds a million chunks?
 *
 * <p>Baseline: none; {@code -p contents=1000} shows what does not come from the number. Floor:
 * {@link #find} 5 µs; {@link #openAfterClose} 2 s; {@link #openAfterCrash} 10 s; the memory that
 * the set-up prints, of the process without the pages of files, 60 MB.
 *
 * <p>Contents are 8 bytes long, one in each file version, so each takes a block: 4 GB of the disk.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 0)
@Measurement(iterations = 5)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "-XX:+UseSerialGC",
      "-Xmx192m",
      "--add-opens=java.base/java.lang=ALL-UNNAMED",
      "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
      "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
      "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
      "--add-exports=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED"
    })
public class DiskIndexBenchmark {
  private static final int LENGTH = 8;
  private static final int FOUND = 100_000;

  /** How many contents there are. */
  @Param("1000000")
  public int contents;

  private final Blake3 blake3 = Blake3.plain();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment bytes = arena.allocate(LENGTH, 8);
  private Path folder = Path.of("");

  /** Made by the set-up, as JMH has it. */
  @SuppressWarnings("NullAway.Init")
  private DiskTier tier;

  private long next;

  /** Fills a cache, and says what that has cost. */
  @Setup(Level.Trial)
  public void fill() throws IOException {
    folder = Files.createTempDirectory("l2-bench");
    tier = open();
    put(0);
    long before = ownKib();
    long begun = System.nanoTime();
    for (int i = 1; i < contents; i++) {
      put(i);
    }
    tier.flush();
    System.out.printf(
        "%n%,d contents were put in %d s; the process takes %d MB more, %d without resting%n",
        tier.stats().contents(),
        TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun),
        rested(before),
        (ownKib() - before) >> 10);
  }

  /** Megabytes, once the garbage is gone. */
  private long rested(long beforeKib) {
    tier.rest();
    System.gc();
    return (ownKib() - beforeKib) >> 10;
  }

  /** What of the process is resident and no file's. */
  private static long ownKib() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("RssAnon:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
          .sum();
    } catch (IOException failed) {
      throw new IOError(failed);
    }
  }

  private DiskTier open() throws IOException {
    return DiskTier.open(folder.resolve("l2"), 20L << 30, 0, blake3, Clock.systemUTC());
  }

  private PageKey put(long number) {
    bytes.set(ValueLayout.JAVA_LONG, 0, number);
    ChunkHash hash = blake3.hash(bytes).hash();
    PageKey key = key(number);
    tier.put(key, 0, true, hash, bytes);
    return key;
  }

  private static PageKey key(long number) {
    return new PageKey(number * 0x9E3779B97F4A7C15L, number * 0xC2B2AE3D27D4EB4FL);
  }

  /** Removes it. */
  @TearDown
  public void remove() throws IOException {
    tier.close();
    arena.close();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** From the version to its checked bytes, of which there are few. */
  @Benchmark
  @BenchmarkMode(Mode.AverageTime)
  @OutputTimeUnit(TimeUnit.MICROSECONDS)
  @Warmup(iterations = 3, time = 2)
  @Measurement(iterations = 5, time = 2)
  public Object find() {
    next = (next + FOUND + 1) % contents;
    return tier.read(key(next), 0, bytes).orElseThrow();
  }

  /** Closes it, which is over before the clock starts. */
  @State(Scope.Thread)
  public static class Closed {
    @Setup(Level.Invocation)
    public void close(DiskIndexBenchmark cache) throws IOException {
      cache.tier.close();
    }
  }

  /**
   * What a crash leaves cannot be trusted: the indexes are made anew, as if they were not there.
   */
  @State(Scope.Thread)
  public static class Crashed {
    @Setup(Level.Invocation)
    public void crash(DiskIndexBenchmark cache) throws IOException {
      cache.tier.close();
      for (String index : new String[] {"contents.map", "versions.map"}) {
        Files.delete(cache.folder.resolve("l2").resolve(index));
      }
    }
  }

  @Benchmark
  public Object openAfterClose(Closed closed) throws IOException {
    tier = open();
    return closed;
  }

  @Benchmark
  public Object openAfterCrash(Crashed crashed) throws IOException {
    tier = open();
    return crashed;
  }
}
