package io.wormhole.bench;

import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.disk.PageKey;
import io.wormhole.protocol.hash.Blake3;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
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
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Question: how fast does L2 give half a gigabyte that is not in the page cache, and take it?
 *
 * <p>Baseline: {@link #plainRead} and {@link #plainWrite}, the same bytes from and to a plain file
 * by the same calls, unhashed. Floor: {@link #get} 1.25 times as long as {@link #plainRead}.
 *
 * <p>Two threads read, as in the daemon; {@code -t 1} has one do it. What is written is on the disk
 * when the clock stops.
 */
@SuppressWarnings("NullAway.Init")
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2)
@Measurement(iterations = 7)
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
public class ColdDiskBenchmark {
  private static final int CHUNK_BYTES = 128 << 10;

  /** How many chunks are read or written each time. */
  @Param("4096")
  public int chunks;

  /** Whether chunks are read in the order in which they were written. */
  @Param({"true", "false"})
  public boolean inOrder;

  private final Blake3 blake3 = Blake3.vector();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment chunk = arena.allocate(CHUNK_BYTES, 4096);
  private final AtomicInteger read = new AtomicInteger();
  private final List<Integer> order = new ArrayList<>();
  private Path folder = Path.of("");
  private DiskTier tier;
  private FileChannel plain;
  private long version;

  /** Makes a cache and a file with the same content. */
  @Setup(Level.Trial)
  public void make() throws IOException {
    folder = Files.createTempDirectory("l2-bench");
    tier = open();
    plain =
        FileChannel.open(
            folder.resolve("plain"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    order.addAll(IntStream.range(0, chunks).boxed().toList());
    fill(0);
    plainWrite();
    if (!inOrder) {
      Collections.shuffle(order, new Random(1));
    }
  }

  private DiskTier open() throws IOException {
    return DiskTier.open(folder.resolve("l2"), 20L << 30, 0, blake3, Clock.systemUTC());
  }

  /** Has nothing of either in the page cache. */
  @Setup(Level.Iteration)
  public void forget() throws IOException, InterruptedException {
    read.set(0);
    for (Path file : filesIn(folder)) {
      int exit =
          new ProcessBuilder(
                  "dd", "of=" + file, "oflag=nocache", "conv=notrunc,fdatasync", "count=0")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor();
      if (exit != 0) {
        throw new IOException("dd exits with " + exit);
      }
    }
  }

  /** Removes them. */
  @TearDown
  public void remove() throws IOException {
    tier.close();
    plain.close();
    arena.close();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private void fill(long number) throws IOException {
    for (int i = 0; i < chunks; i++) {
      chunk.set(ValueLayout.JAVA_LONG, 0, number * chunks + i);
      tier.put(page(number, i), i & 511, false, blake3.hash(chunk).hash(), chunk);
    }
    tier.flush();
    for (Path file : filesIn(folder.resolve("l2"))) {
      try (FileChannel written = FileChannel.open(file, StandardOpenOption.WRITE)) {
        written.force(false);
      }
    }
  }

  private static List<Path> filesIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }

  private static PageKey page(long number, int chunk) {
    return new PageKey(number + 1, chunk >> 9);
  }

  /** Where a thread reads to. */
  @State(Scope.Thread)
  public static class Reader {
    private final MemorySegment chunk = Arena.ofAuto().allocate(CHUNK_BYTES, 4096);
  }

  @Benchmark
  @Threads(2)
  public void get(Reader reader) {
    for (int i = read.getAndIncrement(); i < chunks; i = read.getAndIncrement()) {
      int index = order.get(i);
      var _ = tier.read(page(0, index), index & 511, reader.chunk).orElseThrow();
    }
  }

  @Benchmark
  @Threads(2)
  public void plainRead(Reader reader) throws IOException {
    for (int i = read.getAndIncrement(); i < chunks; i = read.getAndIncrement()) {
      plain.read(reader.chunk.asByteBuffer(), (long) order.get(i) * CHUNK_BYTES);
    }
  }

  /** Hashing is part of it, as it is not where the hash comes with a chunk. */
  @Benchmark
  public void put() throws IOException {
    fill(++version);
  }

  @Benchmark
  public void plainWrite() throws IOException {
    plain.truncate(0);
    for (int index = 0; index < chunks; index++) {
      chunk.set(ValueLayout.JAVA_LONG, 0, index);
      plain.write(chunk.asByteBuffer(), (long) index * CHUNK_BYTES);
    }
    plain.force(false);
  }
}
