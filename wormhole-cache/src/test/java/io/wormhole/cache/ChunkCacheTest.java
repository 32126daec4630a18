package io.wormhole.cache;

import static io.wormhole.cache.TestBytes.assertIsChunk;
import static io.wormhole.cache.TestBytes.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.cache.ram.Chunk;
import io.wormhole.cache.ram.SlabArena;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Hits, misses, shared flights, failures, giving up. */
class ChunkCacheTest {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final int LENGTH = 20_000;

  @RegisterExtension private final Caches caches = new Caches();

  private final HeldLoads loads = new HeldLoads();

  @Test
  void missIsLoadedIntoTheSlotAndThenAHit() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    assertThat(cache.peek(key(1))).isNull();
    PendingChunk claim = cache.get(key(1), loads);
    assertThat(claim.isDone()).isFalse();
    HeldLoads.Held load = loads.take(key(1));
    load.succeed(LENGTH);
    Chunk chunk = claim.await(SOON);
    assertThat(chunk.bytes().address()).isEqualTo(load.destination().address());
    assertThat(chunk.length()).isEqualTo(LENGTH);
    assertThat(chunk.hash()).isEqualTo(TestBytes.BLAKE3.hash(chunk.bytes()).hash());
    assertIsChunk(key(1), chunk);
    chunk.release();

    PendingChunk again = cache.get(key(1), loads);
    assertThat(again.isDone()).isTrue();
    Chunk same = again.await(Duration.ZERO);
    assertThat(same).isSameAs(chunk);
    same.release();
    CacheStats stats = cache.stats();
    assertThat(stats.loads()).isEqualTo(1);
    assertThat(stats.hits()).isEqualTo(1);
    assertThat(stats.misses()).isEqualTo(1);
    assertThat(stats.chunks()).isEqualTo(1);
    assertThat(stats.usedBytes()).isEqualTo(SlabArena.SLOT_BYTES);
  }

  @Test
  void chunksOfEveryLengthAreTaken() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    for (int length : new int[] {0, 1, 16 << 10, (16 << 10) + 1, 128 << 10}) {
      PendingChunk claim = cache.get(key(length), loads);
      loads.take(key(length)).succeed(length);
      Chunk chunk = claim.await(SOON);
      assertThat(chunk.length()).isEqualTo(length);
      assertIsChunk(key(length), chunk);
      chunk.release();
    }
  }

  @Test
  void youngVersionIsSaidToBeYoung() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk claim = cache.get(key(1), loads);
    HeldLoads.Held load = loads.take(key(1));
    Arrival old = TestBytes.fill(key(1), load.destination(), LENGTH);
    load.succeedWith(new Arrival(LENGTH, old.hash(), old.chainingValues(), true));
    Chunk chunk = claim.await(SOON);
    assertThat(chunk.young()).isTrue();
    chunk.release();
  }

  @Test
  void readersOfOneChunkShareOneLoad() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    int readers = 64;
    CountDownLatch claimed = new CountDownLatch(readers);
    List<Callable<Boolean>> tasks = new ArrayList<>();
    for (int i = 0; i < readers; i++) {
      tasks.add(() -> {
        PendingChunk claim = cache.get(key(1), loads);
        claimed.countDown();
        Chunk chunk = claim.await(SOON);
        assertIsChunk(key(1), chunk);
        chunk.release();
        return true;
      });
    }
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> reads = tasks.stream().map(threads::submit).toList();
      assertThat(claimed.await(10, TimeUnit.SECONDS)).isTrue();
      loads.take(key(1)).succeed(LENGTH);
      for (Future<Boolean> read : reads) {
        assertThat(read.get(10, TimeUnit.SECONDS)).isTrue();
      }
    }
    assertThat(cache.stats().loads()).isEqualTo(1);
    assertThat(cache.stats().misses()).isEqualTo(readers);
  }

  @Test
  void failureReachesAllWhoWaitAndTheNextReadLoadsAnew() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk first = cache.get(key(1), loads);
    PendingChunk second = cache.get(key(1), loads);
    IOException why = new IOException("the disk is on fire");
    loads.take(key(1)).fail(why);
    for (PendingChunk claim : List.of(first, second)) {
      assertThatExceptionOfType(ChunkLoadException.class)
          .isThrownBy(() -> claim.await(SOON))
          .withCause(why);
    }
    PendingChunk third = cache.get(key(1), loads);
    loads.take(key(1)).succeed(LENGTH);
    third.await(SOON).release();
    assertThat(cache.stats().loads()).isEqualTo(2);
  }

  @Test
  void loaderThatThrowsFailsTheReadOnly() {
    ChunkCache cache = caches.ofSlots(8);
    IllegalStateException why = new IllegalStateException("no lane");
    PendingChunk claim =
        cache.get(
            key(1),
            (_, _) -> {
              throw why;
            });
    assertThatExceptionOfType(ChunkLoadException.class)
        .isThrownBy(() -> claim.await(SOON))
        .withCause(why);
    assertThat(cache.stats().usedBytes()).isZero();
  }

  @Test
  void bytesThatAreNotTheirHashesAreRefusedAndCounted() {
    ChunkCache cache = caches.ofSlots(8);
    List<Corruption> corruptions =
        List.of(
            (load, good) -> {
              load.destination().set(ValueLayout.JAVA_BYTE, 17_000, (byte) 99);
              return good;
            },
            (_, good) -> new Arrival(LENGTH - 1, good.hash(), good.chainingValues(), false),
            (_, good) -> new Arrival(LENGTH, new byte[32], good.chainingValues(), false),
            (_, good) -> new Arrival(LENGTH, new byte[0], good.chainingValues(), false),
            (_, good) -> new Arrival(LENGTH, good.hash(), new byte[0], false),
            (_, good) ->
                new Arrival(LENGTH, good.hash(), Arrays.copyOf(good.chainingValues(), 33), false));
    for (Corruption corruption : corruptions) {
      PendingChunk claim = cache.get(key(1), loads);
      PendingChunk other = cache.get(key(1), loads);
      HeldLoads.Held load = loads.take(key(1));
      load.succeedWith(corruption.of(load, TestBytes.fill(key(1), load.destination(), LENGTH)));
      assertThatThrownBy(() -> claim.await(SOON)).isInstanceOf(CorruptChunkException.class);
      assertThatThrownBy(() -> other.await(SOON)).isInstanceOf(CorruptChunkException.class);
      assertThat(cache.peek(key(1))).isNull();
    }
    assertThat(cache.stats().rejected()).isEqualTo(corruptions.size());
    assertThat(cache.stats().usedBytes()).isZero();
  }

  private interface Corruption {
    Arrival of(HeldLoads.Held load, Arrival good);
  }

  @Test
  void lengthsThatCannotBeAreRefused() {
    ChunkCache cache = caches.ofSlots(8);
    for (int length : new int[] {-1, SlabArena.SLOT_BYTES + 1, Integer.MAX_VALUE}) {
      PendingChunk claim = cache.get(key(1), loads);
      loads.take(key(1)).succeedWith(new Arrival(length, new byte[32], new byte[0], false));
      assertThatThrownBy(() -> claim.await(SOON))
          .isInstanceOf(ChunkLoadException.class)
          .hasCauseInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void readerWhoseTimeIsUpLeavesTheOthersWaiting() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk hasty = cache.get(key(1), loads);
    PendingChunk patient = cache.get(key(1), loads);
    assertThatThrownBy(() -> hasty.await(Duration.ZERO)).isInstanceOf(TimeoutException.class);
    assertThatThrownBy(() -> hasty.await(SOON)).isInstanceOf(IllegalStateException.class);
    loads.take(key(1)).succeed(LENGTH);
    patient.await(SOON).release();
  }

  @Test
  void interruptedReaderLeavesTheOthersWaiting() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk patient = cache.get(key(1), loads);
    PendingChunk interrupted = cache.get(key(1), loads);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Chunk> read =
          threads.submit(() -> {
            Thread.currentThread().interrupt();
            return interrupted.await(SOON);
          });
      assertThatThrownBy(() -> read.get(10, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(InterruptedException.class);
    }
    loads.take(key(1)).succeed(LENGTH);
    patient.await(SOON).release();
  }

  @Test
  void chunkNobodyWaitsForAnyMoreIsKeptForTheNextReader() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk claim = cache.get(key(1), loads);
    claim.abandon();
    claim.abandon();
    PendingChunk joined = cache.get(key(1), loads);
    loads.take(key(1)).succeed(LENGTH);
    joined.await(SOON).release();
    assertThat(cache.stats().loads()).isEqualTo(1);
  }

  @Test
  void claimAbandonedAfterItsChunkCameLetsItGo() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk first = cache.get(key(1), loads);
    PendingChunk second = cache.get(key(1), loads);
    loads.take(key(1)).succeed(LENGTH);
    first.await(SOON).release();
    assertThat(second.isDone()).isTrue();
    second.abandon();
    cache.get(key(1), loads).abandon();
    cache.invalidate(_ -> true);
    assertThat(cache.stats().usedBytes()).isZero();
  }

  @Test
  void claimIsSettledOnce() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk claim = cache.get(key(1), loads);
    loads.take(key(1)).succeed(LENGTH);
    Chunk chunk = claim.await(SOON);
    assertThatThrownBy(() -> claim.await(SOON)).isInstanceOf(IllegalStateException.class);
    claim.abandon();
    assertIsChunk(key(1), chunk);
    chunk.release();
  }

  @Test
  void invalidateDropsTheVersionAndLeavesTheOthers() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    FileVersion old = TestBytes.FILE;
    FileVersion next = new FileVersion(1, 2, 3, 4, 5, 7);
    ChunkKey kept = new ChunkKey(next, 0);
    for (ChunkKey each : List.of(key(0), key(1), kept)) {
      PendingChunk claim = cache.get(each, loads);
      loads.take(each).succeed(LENGTH);
      claim.await(SOON).release();
    }
    PendingChunk waiting = cache.get(key(2), loads);
    assertThat(cache.prefetch(key(3), loads)).isTrue();
    cache.invalidate(old::equals);
    assertThat(cache.peek(key(0))).isNull();
    assertThat(cache.peek(key(1))).isNull();
    HeldLoads.Held unwanted = loads.take(key(3));
    assertThat(unwanted.isCancelled()).isTrue();
    unwanted.fail(new IOException("cancelled"));
    assertThat(cache.stats().chunks()).isEqualTo(1);

    loads.take(key(2)).succeed(LENGTH);
    Chunk chunk = waiting.await(SOON);
    assertIsChunk(key(2), chunk);
    assertThat(cache.peek(key(2))).isNull();
    chunk.release();
    Chunk still = cache.peek(kept);
    assertThat(still).isNotNull();
    still.release();
  }

  @Test
  void closeFailsThoseWhoWaitAndFreesTheRestAsItComesBack() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk claim = cache.get(key(1), loads);
    loads.take(key(1)).succeed(LENGTH);
    Chunk held = claim.await(SOON);
    PendingChunk waiting = cache.get(key(2), loads);
    cache.close();
    assertThatThrownBy(() -> waiting.await(SOON)).isInstanceOf(CacheClosedException.class);
    PendingChunk late = cache.get(key(3), loads);
    assertThatThrownBy(() -> late.await(SOON)).isInstanceOf(CacheClosedException.class);
    assertThat(cache.prefetch(key(4), loads)).isFalse();
    HeldLoads.Held load = loads.take(key(2));
    assertThat(load.isCancelled()).isTrue();
    load.succeed(LENGTH);
    assertIsChunk(key(1), held);
    assertThat(cache.isReleased()).isFalse();
    held.release();
  }

  @Test
  void keysTellFilesVersionsAndChunksApart() {
    FileVersion file = new FileVersion(1, 2, 3, 4, 5, 6);
    assertThat(new ChunkKey(file, 7))
        .isEqualTo(new ChunkKey(new FileVersion(1, 2, 3, 4, 5, 6), 7))
        .hasSameHashCodeAs(new ChunkKey(new FileVersion(1, 2, 3, 4, 5, 6), 7))
        .isNotEqualTo(new ChunkKey(file, 8))
        .isNotEqualTo(new ChunkKey(new FileVersion(1, 2, 3, 4, 5, 7), 7))
        .isNotEqualTo(new ChunkKey(new FileVersion(1, 2, 9, 4, 5, 6), 7))
        .hasToString("chunk 7 of inode 3");
    long hashes =
        LongStream.range(0, 100_000)
            .mapToInt(
                i -> new ChunkKey(new FileVersion(1, 2, i % 1000, 0, 0, 0), i / 1000).hashCode())
            .distinct()
            .count();
    assertThat(hashes).isGreaterThan(99_900);
    assertThat(file.sameFile(new FileVersion(1, 2, 3, 4, 0, 0))).isTrue();
    assertThat(file.sameFile(new FileVersion(1, 2, 3, 0, 5, 6))).isFalse();
    assertThat(file.sameShare(new FileVersion(1, 2, 0, 0, 0, 0))).isTrue();
    assertThat(file.sameShare(new FileVersion(1, 0, 3, 4, 5, 6))).isFalse();
  }
}
