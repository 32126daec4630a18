package io.wormhole.cache;

import static io.wormhole.cache.TestBytes.assertIsChunk;
import static io.wormhole.cache.TestBytes.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.cache.ram.Chunk;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Loads that nobody waits for. */
class ReadAheadTest {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final int LENGTH = 1000;

  @RegisterExtension private final Caches caches = new Caches();

  private final HeldLoads loads = new HeldLoads();

  @Test
  void readerJoinsWhatWasReadAhead() throws Exception {
    ChunkCache cache = caches.ofSlots(16);
    assertThat(cache.prefetch(key(1), loads)).isTrue();
    assertThat(cache.prefetch(key(1), loads)).isTrue();
    PendingChunk claim = cache.get(key(1), loads);
    loads.take(key(1)).succeed(LENGTH);
    Chunk chunk = claim.await(SOON);
    assertIsChunk(key(1), chunk);
    chunk.release();
    assertThat(cache.prefetch(key(1), loads)).isTrue();
    assertThat(cache.stats().loads()).isEqualTo(1);
  }

  @Test
  void atMostAQuarterOfTheSlotsIsReadAheadAtATime() throws Exception {
    ChunkCache cache = caches.ofSlots(16);
    for (int index = 0; index < 4; index++) {
      assertThat(cache.prefetch(key(index), loads)).isTrue();
    }
    assertThat(cache.prefetch(key(4), loads)).isFalse();
    assertThat(cache.stats().loads()).isEqualTo(4);
    for (int index = 100; index < 112; index++) {
      PendingChunk claim = cache.get(key(index), loads);
      loads.take(key(index)).succeed(LENGTH);
      claim.await(SOON).release();
    }
    assertThat(cache.stats().bypasses()).isZero();
    for (int index = 0; index < 4; index++) {
      PendingChunk claim = cache.get(key(index), loads);
      loads.take(key(index)).succeed(LENGTH);
      claim.await(SOON).release();
    }
    assertThat(cache.prefetch(key(4), loads)).isTrue();
    loads.take(key(4)).fail(new IOException("gone"));
  }

  @Test
  void unwantedLoadIsCancelledAndAReaderLoadsAnewMeanwhile() throws Exception {
    ChunkCache cache = caches.ofSlots(16);
    assertThat(cache.cancelIfUnwanted(key(1))).isFalse();
    assertThat(cache.prefetch(key(1), loads)).isTrue();
    HeldLoads.Held first = loads.take(key(1));
    assertThat(cache.cancelIfUnwanted(key(1))).isTrue();
    assertThat(cache.cancelIfUnwanted(key(1))).isFalse();
    assertThat(first.isCancelled()).isTrue();
    assertThat(Caches.slotsUsed(cache)).isEqualTo(1);

    PendingChunk claim = cache.get(key(1), loads);
    HeldLoads.Held second = loads.take(key(1));
    assertThat(second.destination().address()).isNotEqualTo(first.destination().address());
    second.succeed(LENGTH);
    Chunk chunk = claim.await(SOON);
    first.succeed(LENGTH);
    assertIsChunk(key(1), chunk);
    chunk.release();
  }

  @Test
  void loadThatAReaderJoinedIsNotCancelledWhileHeWaits() throws Exception {
    ChunkCache cache = caches.ofSlots(16);
    assertThat(cache.prefetch(key(1), loads)).isTrue();
    PendingChunk claim = cache.get(key(1), loads);
    assertThat(cache.cancelIfUnwanted(key(1))).isFalse();
    HeldLoads.Held load = loads.take(key(1));
    assertThat(load.isCancelled()).isFalse();
    claim.abandon();
    assertThat(cache.cancelIfUnwanted(key(1))).isTrue();
    assertThat(load.isCancelled()).isTrue();
    load.fail(new IOException("cancelled"));
  }

  @Test
  void failedReadAheadIsForgotten() throws Exception {
    ChunkCache cache = caches.ofSlots(16);
    assertThat(cache.prefetch(key(1), loads)).isTrue();
    PendingChunk joined = cache.get(key(1), loads);
    loads.take(key(1)).fail(new IOException("gone"));
    assertThatThrownBy(() -> joined.await(SOON)).isInstanceOf(ChunkLoadException.class);
    PendingChunk claim = cache.get(key(1), loads);
    loads.take(key(1)).succeed(LENGTH);
    claim.await(SOON).release();
  }
}
