package io.wormhole.cache;

import static io.wormhole.cache.TestBytes.assertIsChunk;
import static io.wormhole.cache.TestBytes.key;
import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.ram.Chunk;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A cache with a disk behind it. */
class DiskSideTest {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final int LENGTH = 128 << 10;

  @RegisterExtension private final Caches caches = new Caches();
  @TempDir private Path folder;

  private final HeldLoads loads = new HeldLoads();
  private ChunkCache cache;

  @BeforeEach
  void open() throws IOException {
    cache = opened();
  }

  @AfterEach
  void close() {
    cache.close();
  }

  private ChunkCache opened() throws IOException {
    DiskTier tier =
        DiskTier.open(folder.resolve("l2"), 64 << 20, 0, TestBytes.BLAKE3, Clock.systemUTC());
    return new ChunkCache(4 << 20, TestBytes.BLAKE3, caches.verifying(), tier);
  }

  private void restart() throws IOException {
    cache.close();
    cache = opened();
  }

  private void read(long index) throws Exception {
    PendingChunk claim = cache.get(key(index), loads);
    loads.awaitBegun(1);
    loads.take(key(index)).succeed(LENGTH);
    claim.await(SOON).release();
  }

  private void readFromDisk(long index) throws Exception {
    Chunk chunk = cache.get(key(index), loads).await(SOON);
    assertThat(loads.has(key(index))).isFalse();
    assertThat(chunk.length()).isEqualTo(LENGTH);
    assertIsChunk(key(index), chunk);
    chunk.release();
  }

  @Test
  void whatWasLoadedOnceIsOnTheDiskAfterARestart() throws Exception {
    for (long index : new long[] {0, 1, 511, 512, 100_000}) {
      read(index);
    }
    restart();
    for (long index : new long[] {0, 1, 511, 512, 100_000}) {
      readFromDisk(index);
    }
    assertThat(cache.diskStats().orElseThrow().hits()).isEqualTo(5);
  }

  @Test
  void whatTheMemoryDroppedComesFromTheDisk() throws Exception {
    for (int index = 0; index < 100; index++) {
      read(index);
    }
    restart();
    readFromDisk(0);
    cache.invalidate(_ -> true);
    readFromDisk(0);
  }

  @Test
  void youngVersionsAreNotKept() throws Exception {
    PendingChunk claim = cache.get(key(0), loads);
    HeldLoads.Held held = loads.take(key(0));
    Arrival come = TestBytes.fill(key(0), held.destination(), LENGTH);
    held.succeedWith(new Arrival(LENGTH, come.hash(), come.chainingValues(), true));
    claim.await(SOON).release();
    restart();
    read(0);
  }

  @Test
  void whatIsNotOnTheDiskIsLoaded() throws Exception {
    read(0);
    restart();
    read(1);
    readFromDisk(0);
  }

  @Test
  void cancelledReadLeavesNothingBehind() throws Exception {
    read(0);
    restart();
    for (int i = 0; i < 100; i++) {
      cache.invalidate(_ -> true);
      cache.prefetch(key(0), loads);
      cache.cancelIfUnwanted(key(0));
    }
    readFromDisk(0);
  }
}
