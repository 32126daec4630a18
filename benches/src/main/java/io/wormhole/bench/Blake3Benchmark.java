package io.wormhole.bench;

import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.GroupHashes;
import io.wormhole.protocol.hash.Verdict;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Question: how fast is one chunk of 128 KiB, off the heap, hashed with its groups on one thread?
 *
 * <p>Baseline: commons-codec, which needs the bytes in an array and knows no groups. Floor: {@link
 * #vector} at least 8 times {@link #commonsCodec} with vectors of 256 bits or more; {@link #plain},
 * which hashes until those are compiled and where there are none, at least 4 times.
 *
 * <p>Chunks per second; times 0.131 it is MB/s.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class Blake3Benchmark {
  private static final int CHUNK_BYTES = 128 << 10;

  private final Arena arena = Arena.ofConfined();
  private final byte[] array = new byte[CHUNK_BYTES];
  private final Blake3 vector = Blake3.vector();
  private final Blake3 plain = Blake3.plain();
  private MemorySegment chunk = MemorySegment.NULL;
  private byte[] hash = {};
  private byte[] chainingValues = {};

  @Setup
  public void fill() {
    new Random(1).nextBytes(array);
    chunk = arena.allocate(CHUNK_BYTES, 64);
    chunk.copyFrom(MemorySegment.ofArray(array));
    GroupHashes hashes = plain.hash(chunk);
    hash = hashes.hash().bytes();
    chainingValues = hashes.chainingValues();
  }

  @TearDown
  public void free() {
    arena.close();
  }

  @Benchmark
  public GroupHashes vector() {
    return vector.hash(chunk);
  }

  /** What a mount does with each chunk that arrives. */
  @Benchmark
  public Verdict vectorVerify() {
    return vector.verify(chunk, hash, chainingValues);
  }

  @Benchmark
  public GroupHashes plain() {
    return plain.hash(chunk);
  }

  @Benchmark
  public byte[] commonsCodec() {
    return org.apache.commons.codec.digest.Blake3.hash(array);
  }
}
