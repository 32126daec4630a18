package io.wormhole.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.cache.ram.SlabArena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Makes caches, and checks after each test what must hold of any cache that nobody is using: slots
 * are used by kept chunks and by nothing else; when those are dropped, all slots are free.
 */
final class Caches implements BeforeEachCallback, AfterEachCallback {
  private final List<ChunkCache> made = new ArrayList<>();
  private ExecutorService verifying = Executors.newFixedThreadPool(1);
  private boolean haveSmall;

  @Override
  public void beforeEach(ExtensionContext context) {
    verifying.shutdown();
    verifying = Executors.newFixedThreadPool(2, Thread.ofPlatform().name("verify-", 0).factory());
  }

  @Override
  public void afterEach(ExtensionContext context) throws InterruptedException {
    endVerifying();
    made.forEach(haveSmall ? Caches::assertGivesAllBack : Caches::assertHoldsNothingUnasked);
  }

  ExecutorService verifying() {
    return verifying;
  }

  /** Returns when all that was handed to the verifying threads is done; they take nothing more. */
  void endVerifying() throws InterruptedException {
    verifying.shutdown();
    assertThat(verifying.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
  }

  /** For a test in which chunks share places: then their number does not tell what they take. */
  void haveSmall() {
    haveSmall = true;
  }

  ChunkCache ofSlots(int slots) {
    ChunkCache cache =
        new ChunkCache((long) slots * SlabArena.SLOT_BYTES, TestBytes.BLAKE3, verifying);
    made.add(cache);
    return cache;
  }

  static void assertHoldsNothingUnasked(ChunkCache cache) {
    CacheStats before = cache.stats();
    assertThat(before.usedBytes()).isEqualTo(before.chunks() * SlabArena.SLOT_BYTES);
    assertThat(before.overflowBytes()).isZero();
    assertGivesAllBack(cache);
  }

  private static void assertGivesAllBack(ChunkCache cache) {
    cache.invalidate(_ -> true);
    cache.trim();
    CacheStats after = cache.stats();
    assertThat(after.chunks()).isZero();
    assertThat(after.usedBytes()).isZero();
    cache.close();
    assertThat(cache.isReleased()).isTrue();
  }

  /** Slots in use, past the limit or not. */
  static long slotsUsed(ChunkCache cache) {
    CacheStats stats = cache.stats();
    return (stats.usedBytes() + stats.overflowBytes()) / SlabArena.SLOT_BYTES;
  }
}
