package io.wormhole.cache;

import static io.wormhole.cache.TestBytes.assertIsChunk;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.cache.ram.Chunk;
import io.wormhole.cache.ram.SlabArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Many threads on a cache far too small for them. Every chunk's bytes tell whose they are, so a
 * reader who is given a slot that has gone to another chunk sees it; {@link Caches} then counts the
 * slots.
 */
class ChunkRaceTest {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final int LEAST_SLOTS = 8;
  private static final int KEYS_A_VERSION = 40;
  private static final int READERS = 8;
  private static final int ROUNDS = 15_000;

  @RegisterExtension private final Caches caches = new Caches();

  private final LongAdder chunksRead = new LongAdder();

  /** What the first reader failed with; the others stop then. */
  private final AtomicReference<@Nullable Throwable> fault = new AtomicReference<>();

  /** Brings chunks of any length, fails now and then, and now and then brings rubbish. */
  private record FickleLoads(ExecutorService network, boolean small) implements ChunkLoader {
    /** Small and large ones, by key. */
    static Function<ChunkKey, ChunkLoader> of(ExecutorService network) {
      ChunkLoader small = new FickleLoads(network, true);
      ChunkLoader large = new FickleLoads(network, false);
      return key -> key.index() % 2 == 0 ? small : large;
    }

    @Override
    public int mostBytes() {
      return small ? SlabArena.SMALL_SLOT_BYTES : ChunkLoader.CHUNK_BYTES;
    }

    @Override
    public PendingLoad load(ChunkKey key, MemorySegment destination) {
      FickleLoad load = new FickleLoad();
      network.execute(() -> load.end(key, destination));
      return load;
    }
  }

  private static final class FickleLoad implements PendingLoad {
    private final CompletableFuture<Arrival> arrival = new CompletableFuture<>();
    private volatile boolean cancelled;

    @Override
    public CompletableFuture<Arrival> arrival() {
      return arrival;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }

    void end(ChunkKey key, MemorySegment destination) {
      RandomGenerator random = new SplittableRandom(System.nanoTime());
      int length = random.nextInt(Long.BYTES, 600);
      if (cancelled) {
        arrival.completeExceptionally(new IOException("cancelled"));
        return;
      }
      switch (random.nextInt(64)) {
        case 0 -> arrival.completeExceptionally(new IOException("the lane is gone"));
        case 1 -> {
          Arrival good = TestBytes.fill(key, destination, length);
          destination.set(ValueLayout.JAVA_BYTE, 3, (byte) random.nextInt());
          arrival.complete(good);
        }
        default -> arrival.complete(TestBytes.fill(key, destination, length));
      }
    }
  }

  @Test
  void noReaderEverSeesAnotherChunksBytes() throws Exception {
    caches.haveSmall();
    ChunkCache cache = caches.ofSlots(LEAST_SLOTS);
    try (ExecutorService network = Executors.newFixedThreadPool(2);
        ExecutorService platform = Executors.newFixedThreadPool(READERS / 2);
        ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
      Function<ChunkKey, ChunkLoader> loads = FickleLoads.of(network);
      List<Future<?>> readers = new ArrayList<>();
      for (int reader = 0; reader < READERS; reader++) {
        SplittableRandom random = new SplittableRandom(reader);
        readers.add(
            (reader % 2 == 0 ? platform : virtual)
                .submit(() -> {
                  try {
                    read(cache, loads, random, ROUNDS);
                  } catch (Exception | AssertionError e) {
                    fault.compareAndSet(null, e);
                    throw e;
                  }
                  return null;
                }));
      }
      try {
        for (Future<?> reader : readers) {
          reader.get(120, TimeUnit.SECONDS);
        }
      } finally {
        platform.shutdownNow();
        virtual.shutdownNow();
      }
    }
    CacheStats stats = cache.stats();
    assertThat(chunksRead.sum()).isGreaterThan(READERS * ROUNDS / 2);
    assertThat(stats.evictions()).isPositive();
    assertThat(stats.rejected()).isPositive();
    assertThat(stats.usedBytes()).isLessThanOrEqualTo(stats.limitBytes());
  }

  @Test
  void closingUnderLoadFailsReadersAndFreesAllMemory() throws Exception {
    caches.haveSmall();
    ChunkCache cache = caches.ofSlots(LEAST_SLOTS);
    CountDownLatch reading = new CountDownLatch(READERS);
    try (ExecutorService network = Executors.newFixedThreadPool(2);
        ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
      Function<ChunkKey, ChunkLoader> loads = FickleLoads.of(network);
      List<Future<?>> readers = new ArrayList<>();
      for (int reader = 0; reader < READERS; reader++) {
        SplittableRandom random = new SplittableRandom(reader);
        readers.add(
            virtual.submit(() -> {
              while (true) {
                read(cache, loads, random, 100);
                reading.countDown();
              }
            }));
      }
      try {
        assertThat(reading.await(60, TimeUnit.SECONDS)).isTrue();
        cache.close();
        for (Future<?> reader : readers) {
          assertThatThrownBy(() -> reader.get(60, TimeUnit.SECONDS))
              .hasCauseInstanceOf(CacheClosedException.class);
        }
      } finally {
        virtual.shutdownNow();
      }
    }
  }

  private void read(
      ChunkCache cache, Function<ChunkKey, ChunkLoader> loads, SplittableRandom random, int rounds)
      throws InterruptedException, IOException, TimeoutException {
    for (int round = 0; round < rounds && fault.get() == null; round++) {
      ChunkKey key = anyKey(random);
      switch (random.nextInt(100)) {
        case 0 -> cache.resize((LEAST_SLOTS + random.nextInt(24)) * (long) SlabArena.SLOT_BYTES);
        case 1 -> cache.trim();
        case 2, 3 -> cache.invalidate(key.file()::equals);
        case 4, 5, 6, 7 -> cache.get(key, loads.apply(key)).abandon();
        case 8, 9, 10, 11 -> cache.cancelIfUnwanted(key);
        case 12, 13, 14, 15, 16, 17, 18, 19, 20, 21 -> cache.prefetch(key, loads.apply(key));
        case 22, 23, 24, 25, 26, 27, 28, 29 -> check(key, cache.peek(key));
        case 30, 31, 32, 33 -> readTwoAtOnce(cache, loads, key, anyKey(random));
        default -> check(key, await(cache.get(key, loads.apply(key))));
      }
    }
  }

  private void readTwoAtOnce(
      ChunkCache cache, Function<ChunkKey, ChunkLoader> loads, ChunkKey one, ChunkKey other)
      throws InterruptedException, IOException, TimeoutException {
    PendingChunk firstClaim = cache.get(one, loads.apply(one));
    PendingChunk secondClaim = cache.get(other, loads.apply(other));
    Chunk first;
    try {
      first = await(firstClaim);
    } catch (CacheClosedException e) {
      secondClaim.abandon();
      throw e;
    }
    Chunk second;
    try {
      second = await(secondClaim);
    } finally {
      check(one, first);
    }
    check(other, second);
  }

  private static @Nullable Chunk await(PendingChunk claim)
      throws InterruptedException, IOException, TimeoutException {
    try {
      return claim.await(SOON);
    } catch (CorruptChunkException e) {
      return null;
    } catch (ChunkLoadException e) {
      assertThat(e).hasCauseInstanceOf(IOException.class);
      return null;
    }
  }

  private void check(ChunkKey key, @Nullable Chunk chunk) {
    if (chunk == null) {
      return;
    }
    assertIsChunk(key, chunk);
    for (int spin = 0; spin < 100; spin++) {
      Thread.onSpinWait();
    }
    assertIsChunk(key, chunk);
    chunk.release();
    chunksRead.increment();
  }

  private static ChunkKey anyKey(SplittableRandom random) {
    FileVersion file = new FileVersion(1, 2, 3, 4, 5, random.nextInt(3));
    return new ChunkKey(file, random.nextInt(KEYS_A_VERSION));
  }
}
