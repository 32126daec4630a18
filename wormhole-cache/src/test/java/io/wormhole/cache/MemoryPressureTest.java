package io.wormhole.cache;

import static io.wormhole.cache.TestBytes.assertIsChunk;
import static io.wormhole.cache.TestBytes.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.cache.ram.Chunk;
import io.wormhole.cache.ram.SlabArena;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** More is wanted than fits. */
class MemoryPressureTest {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final int LENGTH = 1000;
  private static final int SLOTS = 8;

  @RegisterExtension private final Caches caches = new Caches();

  private final HeldLoads loads = new HeldLoads();

  @Test
  void unusedCacheTakesNoRamAndATrimmedOneGivesItBack() throws Exception {
    ChunkCache cache = caches.ofSlots(SLOTS);
    assertThat(cache.stats().ramBytes()).isZero();
    read(cache, 1).release();
    assertThat(cache.stats().ramBytes()).isEqualTo(SlabArena.SLOT_BYTES);
    cache.trim();
    assertThat(cache.stats().ramBytes()).isEqualTo(SlabArena.SLOT_BYTES);
    cache.invalidate(_ -> true);
    cache.trim();
    assertThat(cache.stats().ramBytes()).isZero();
  }

  @Test
  void evictionKeepsWithinTheLimit() throws Exception {
    ChunkCache cache = caches.ofSlots(SLOTS);
    for (int index = 0; index < 20 * SLOTS; index++) {
      read(cache, index).release();
      assertThat(cache.stats().ramBytes()).isLessThanOrEqualTo(SLOTS * SlabArena.SLOT_BYTES);
    }
    CacheStats stats = cache.stats();
    assertThat(stats.evictions()).isEqualTo(20 * SLOTS - stats.chunks());
    assertThat(stats.chunks()).isBetween((long) SLOTS / 2, (long) SLOTS);
    assertThat(stats.bypasses()).isZero();
  }

  @Test
  void readerGetsHisBytesWhenEverySlotIsHeld() throws Exception {
    ChunkCache cache = caches.ofSlots(SLOTS);
    List<Chunk> held = hold(cache, SLOTS);
    PendingChunk claim = cache.get(key(100), loads);
    assertThat(loads.has(key(100))).isFalse();
    Thread loader = Thread.ofVirtual().start(() -> succeedOnceBegun(100));
    Chunk chunk = claim.await(SOON);
    loader.join();
    assertIsChunk(key(100), chunk);
    assertThat(cache.stats().bypasses()).isEqualTo(1);
    assertThat(cache.stats().overflowBytes()).isEqualTo(SlabArena.SLOT_BYTES);
    assertThat(cache.peek(key(100))).isNull();
    chunk.release();
    assertThat(cache.stats().overflowBytes()).isZero();
    for (int index = 0; index < SLOTS; index++) {
      assertIsChunk(key(index), held.get(index));
    }
    held.forEach(Chunk::release);
  }

  @Test
  void bypassesAreBoundedAndTheNextReaderWaitsForHisDeadline() throws Exception {
    ChunkCache cache = caches.ofSlots(SLOTS);
    List<Chunk> held = hold(cache, SLOTS);
    for (int index = 0; index < SlabArena.OVERFLOW_SLOTS; index++) {
      PendingChunk claim = cache.get(key(100 + index), loads);
      assertThatThrownBy(() -> claim.await(Duration.ofMillis(30)))
          .isInstanceOf(TimeoutException.class);
    }
    assertThat(Caches.slotsUsed(cache)).isEqualTo(SLOTS + SlabArena.OVERFLOW_SLOTS);
    PendingChunk late = cache.get(key(200), loads);
    assertThatThrownBy(() -> late.await(Duration.ofMillis(30)))
        .isInstanceOf(TimeoutException.class);
    assertThat(loads.has(key(200))).isFalse();
    assertThat(cache.prefetch(key(300), loads)).isFalse();

    PendingChunk served = cache.get(key(201), loads);
    held.removeLast().release();
    loads.awaitBegun(SlabArena.OVERFLOW_SLOTS + 1);
    loads.take(key(201)).succeed(LENGTH);
    served.await(SOON).release();
    for (int index = 0; index < SlabArena.OVERFLOW_SLOTS; index++) {
      loads.take(key(100 + index)).fail(new IOException("gone"));
    }
    held.forEach(Chunk::release);
  }

  @Test
  void endOfABypassServesTheNextHurriedReader() throws Exception {
    ChunkCache cache = caches.ofSlots(SLOTS);
    List<Chunk> held = hold(cache, SLOTS);
    for (int index = 0; index < SlabArena.OVERFLOW_SLOTS; index++) {
      PendingChunk claim = cache.get(key(100 + index), loads);
      assertThatThrownBy(() -> claim.await(Duration.ofMillis(30)))
          .isInstanceOf(TimeoutException.class);
    }
    loads.awaitBegun(SlabArena.OVERFLOW_SLOTS);
    Thread freeing =
        Thread.ofVirtual()
            .start(() -> {
              for (int index = 0; index < SlabArena.OVERFLOW_SLOTS; index++) {
                loads.take(key(100 + index)).fail(new IOException("gone"));
              }
              try {
                loads.awaitBegun(1);
                loads.take(key(200)).succeed(LENGTH);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    Chunk chunk = cache.get(key(200), loads).await(SOON);
    freeing.join();
    assertIsChunk(key(200), chunk);
    chunk.release();
    held.forEach(Chunk::release);
  }

  @Test
  void abandonedWaitForMemoryLeavesTheLine() throws Exception {
    ChunkCache cache = caches.ofSlots(SLOTS);
    List<Chunk> held = hold(cache, SLOTS);
    PendingChunk first = cache.get(key(100), loads);
    PendingChunk second = cache.get(key(101), loads);
    first.abandon();
    held.removeLast().release();
    loads.awaitBegun(1);
    assertThat(loads.has(key(100))).isFalse();
    loads.take(key(101)).succeed(LENGTH);
    second.await(SOON).release();
    held.forEach(Chunk::release);
  }

  @Test
  void tooManyWhoWaitForMemoryAreTurnedAway() throws Exception {
    ChunkCache cache = caches.ofSlots(SLOTS);
    List<Chunk> held = hold(cache, SLOTS);
    List<PendingChunk> waiting = new ArrayList<>();
    for (int index = 0; index < SlotLine.WAITING_FLIGHTS; index++) {
      waiting.add(cache.get(key(1000 + index), loads));
    }
    PendingChunk refused = cache.get(key(9999), loads);
    assertThatThrownBy(() -> refused.await(SOON)).isInstanceOf(CacheBusyException.class);
    waiting.forEach(PendingChunk::abandon);
    held.forEach(Chunk::release);
    read(cache, 9999).release();
  }

  @Test
  void smallerLimitIsKeptWhileChunksAreHeld() throws Exception {
    ChunkCache cache = caches.ofSlots(4 * SLOTS);
    List<Chunk> held = hold(cache, 2 * SLOTS);
    for (int index = 0; index < 2 * SLOTS; index++) {
      read(cache, 500 + index).release();
    }
    cache.resize((long) SLOTS * SlabArena.SLOT_BYTES);
    assertThat(cache.stats().limitBytes()).isEqualTo((long) SLOTS * SlabArena.SLOT_BYTES);
    assertThat(Caches.slotsUsed(cache)).isEqualTo(2 * SLOTS);
    for (int index = 0; index < held.size(); index++) {
      assertIsChunk(key(index), held.get(index));
    }
    held.forEach(Chunk::release);
    assertThat(Caches.slotsUsed(cache)).isLessThanOrEqualTo(SLOTS);
    read(cache, 600).release();
    assertThat(cache.stats().ramBytes()).isLessThanOrEqualTo((long) SLOTS * SlabArena.SLOT_BYTES);
    cache.resize(4L * SLOTS * SlabArena.SLOT_BYTES);
    hold(cache, 3 * SLOTS).forEach(Chunk::release);
    assertThat(cache.stats().bypasses()).isZero();
  }

  private void succeedOnceBegun(long index) {
    try {
      loads.awaitBegun(1);
      loads.take(key(index)).succeed(LENGTH);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private List<Chunk> hold(ChunkCache cache, int chunks) throws Exception {
    List<Chunk> held = new ArrayList<>();
    for (int index = 0; index < chunks; index++) {
      held.add(read(cache, index));
    }
    return held;
  }

  private Chunk read(ChunkCache cache, long index) throws Exception {
    PendingChunk claim = cache.get(key(index), loads);
    if (!claim.isDone()) {
      loads.awaitBegun(1);
      loads.take(key(index)).succeed(LENGTH);
    }
    return claim.await(SOON);
  }
}
