package io.wormhole.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PinsTest {
  private static final Blake3 BLAKE3 = Blake3.plain();
  private static final int CHUNK = 128 << 10;
  private static final int LIMIT_CHUNKS = 256;
  private static final int PIN = 7;

  private static final PageKey FILE = new PageKey(1, 1);
  private static final PageKey SMALL_FILE = new PageKey(2, 2);

  @TempDir Path home;
  private Path folder;
  private DiskTier tier;
  private long footage = 1000;

  @BeforeEach
  void open() throws Exception {
    folder = home.resolve("l2");
    tier = opened(limit());
  }

  @AfterEach
  void close() throws Exception {
    tier.close();
  }

  private static long limit() {
    return (long) LIMIT_CHUNKS * CHUNK + (4 << 20);
  }

  private DiskTier opened(long limit) throws IOException {
    return DiskTier.open(folder, limit, 0, BLAKE3, Clock.systemUTC());
  }

  private static MemorySegment bytes(long seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return MemorySegment.ofArray(bytes);
  }

  private static MemorySegment chunk(long seed) {
    return bytes(seed, CHUNK);
  }

  private static ChunkHash hash(MemorySegment bytes) {
    return BLAKE3.hash(bytes).hash();
  }

  private static boolean put(PinRound round, PageKey page, int index, long seed) {
    MemorySegment bytes = chunk(seed);
    return round.put(page, index, false, hash(bytes), bytes, false);
  }

  /** Pins ten chunks of a file and a small one. */
  private void pinBoth() {
    PinRound round = tier.pinRound(PIN);
    for (int i = 0; i < 10; i++) {
      assertThat(round.hold(FILE, i)).isFalse();
      assertThat(put(round, FILE, i, i)).isTrue();
      assertThat(round.hold(FILE, i)).isTrue();
    }
    assertThat(round.holdPage(FILE, 10)).isTrue();
    MemorySegment small = bytes(100, 3000);
    assertThat(round.put(SMALL_FILE, 0, true, hash(small), small, false)).isTrue();
    assertThat(round.holdPage(SMALL_FILE, 1)).isTrue();
    round.complete();
  }

  /** Reads more than fits, once. */
  private void watchFootage() {
    for (int i = 0; i < 2 * LIMIT_CHUNKS; i++) {
      footage++;
      MemorySegment bytes = chunk(footage);
      tier.put(new PageKey(footage, footage), 0, true, hash(bytes), bytes);
    }
  }

  private boolean holds(PageKey page, int index) {
    return tier.read(page, index, MemorySegment.ofArray(new byte[CHUNK])).isPresent();
  }

  private void assertHoldsBoth() {
    for (int i = 0; i < 10; i++) {
      assertThat(holds(FILE, i)).as("chunk " + i).isTrue();
    }
    assertThat(holds(SMALL_FILE, 0)).isTrue();
  }

  @Test
  void whatIsPinnedOutlivesWhatIsNot() {
    MemorySegment bytes = chunk(50);
    PageKey other = new PageKey(3, 3);
    tier.put(other, 0, false, hash(bytes), bytes);
    pinBoth();
    watchFootage();
    assertHoldsBoth();
    assertThat(holds(other, 0)).isFalse();
    assertThat(tier.stats().pinnedBytes()).isEqualTo(10 * CHUNK + 4096 + 16_384);
    assertThat(tier.stats().usedBytes()).isLessThanOrEqualTo(limit() + limit() / 100);
  }

  @Test
  void itIsPinnedAfterARestart() throws Exception {
    pinBoth();
    tier.close();
    tier = opened(limit());
    tier.keepPins(Set.of(PIN));
    watchFootage();
    assertHoldsBoth();
  }

  @Test
  void itIsPinnedAfterACrash() throws Exception {
    pinBoth();
    tier.close();
    // The index is not to be trusted then.
    Files.delete(folder.resolve("contents.map"));
    Files.delete(folder.resolve("versions.map"));
    tier = opened(limit());
    tier.keepPins(Set.of(PIN));
    watchFootage();
    assertHoldsBoth();
  }

  @Test
  void aPinThatIsNotKnownAnyMoreKeepsNothing() throws Exception {
    pinBoth();
    tier.close();
    tier = opened(limit());
    tier.keepPins(Set.of(PIN + 1));
    assertThat(tier.stats().pinnedBytes()).isZero();
    watchFootage();
    assertThat(holds(SMALL_FILE, 0)).isFalse();
  }

  @Test
  void whatAPinDoesNotMeetAnyMoreIsUnpinned() {
    pinBoth();
    PinRound round = tier.pinRound(PIN);
    assertThat(round.isWhole(SMALL_FILE)).isTrue();
    round.complete();
    assertThat(tier.stats().pinnedBytes()).isEqualTo(4096);
    watchFootage();
    watchFootage();
    assertThat(holds(SMALL_FILE, 0)).isTrue();
    assertThat(holds(FILE, 0)).isFalse();
  }

  @Test
  void aLookThatWasNotCompletedUnpinsNothing() {
    pinBoth();
    PinRound round = tier.pinRound(PIN);
    assertThat(round.isWhole(SMALL_FILE)).isTrue();
    watchFootage();
    assertHoldsBoth();
  }

  @Test
  void aNewVersionKeepsWhatItHasInCommonAndUnpinsTheRest() {
    pinBoth();
    PageKey changed = new PageKey(4, 4);
    PinRound round = tier.pinRound(PIN);
    for (int i = 0; i < 10; i++) {
      assertThat(put(round, changed, i, i == 3 ? 333 : i)).isTrue();
    }
    assertThat(round.holdPage(changed, 10)).isTrue();
    assertThat(round.isWhole(SMALL_FILE)).isTrue();
    round.complete();
    assertThat(tier.stats().pinnedBytes()).isEqualTo(10 * CHUNK + 4096 + 16_384);
    watchFootage();
    watchFootage();
    for (int i = 0; i < 10; i++) {
      assertThat(holds(changed, i)).isTrue();
    }
    assertThat(holds(FILE, 3)).isFalse();
  }

  @Test
  void whatIsSharedByTwoPinsStaysWithTheOther() throws Exception {
    pinBoth();
    PageKey copy = new PageKey(5, 5);
    PinRound other = tier.pinRound(PIN + 1);
    for (int i = 0; i < 10; i++) {
      assertThat(put(other, copy, i, i)).isTrue();
    }
    assertThat(other.holdPage(copy, 10)).isTrue();
    other.complete();
    tier.keepPins(Set.of(PIN + 1));
    watchFootage();
    watchFootage();
    for (int i = 0; i < 10; i++) {
      assertThat(holds(copy, i)).isTrue();
    }
    assertThat(holds(SMALL_FILE, 0)).isFalse();
  }

  @Test
  void aPinThatPassesTakesNothingFromAnotherAndLeavesNothingPinned() throws Exception {
    pinBoth();
    long before = tier.stats().pinnedBytes();
    PinRound passing = tier.pinRound(-PIN);
    assertThat(passing.isWhole(FILE)).isTrue();
    assertThat(passing.holdPage(SMALL_FILE, 1)).isTrue();
    MemorySegment bytes = chunk(77);
    PageKey other = new PageKey(6, 6);
    assertThat(passing.put(other, 0, true, hash(bytes), bytes, false)).isTrue();
    assertThat(passing.holdPage(other, 1)).isTrue();
    assertThat(tier.stats().pinnedBytes()).isEqualTo(before + CHUNK);
    tier.keepPins(Set.of(PIN));
    assertThat(tier.stats().pinnedBytes()).isEqualTo(before);
    assertThat(holds(other, 0)).isTrue();
    assertThat(tier.pinRound(PIN).isWhole(FILE)).isTrue();
    watchFootage();
    assertHoldsBoth();
  }

  @Test
  void otherBytesInAPinnedPlaceArePinnedAndTheOldOnesAreNot() {
    pinBoth();
    MemorySegment listing = bytes(101, 5000);
    tier.put(SMALL_FILE, 0, true, hash(listing), listing);
    PinRound round = tier.pinRound(PIN);
    assertThat(round.isWhole(FILE)).isTrue();
    assertThat(round.holdPage(SMALL_FILE, 1)).isTrue();
    round.complete();
    assertThat(tier.stats().pinnedBytes()).isEqualTo(10 * CHUNK + 8192 + 16_384);
    watchFootage();
    assertHoldsBoth();
  }

  @Test
  void aPinnedChunkThatIsDamagedIsMissed() throws Exception {
    pinBoth();
    assertThat(tier.pinRound(PIN).isWhole(FILE)).isTrue();
    try (RandomAccessFile slab =
        new RandomAccessFile(folder.resolve("large.slab").toFile(), "rw")) {
      for (long at = 0; at < slab.length(); at += CHUNK) {
        slab.seek(at + 5);
        slab.write(new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
      }
    }
    assertThat(tier.verify(_ -> true)).isGreaterThanOrEqualTo(10);
    PinRound round = tier.pinRound(PIN);
    assertThat(round.isWhole(FILE)).isFalse();
    assertThat(round.hold(FILE, 0)).isFalse();
    assertThat(put(round, FILE, 0, 0)).isTrue();
    assertThat(round.hold(FILE, 0)).isTrue();
  }

  @Test
  void noMoreIsPinnedThanThereIsRoomFor() {
    PinRound round = tier.pinRound(PIN);
    int pinned = 0;
    while (pinned < PageKey.CHUNKS && put(round, FILE, pinned, pinned)) {
      pinned++;
    }
    assertThat((long) pinned * CHUNK).isBetween(limit() / 10 * 8, limit() / 10 * 9);
    assertThat(tier.stats().pinnedBytes()).isLessThanOrEqualTo(tier.stats().pinnableBytes());
    // And the rest is for others.
    watchFootage();
    assertThat(holds(new PageKey(footage, footage), 0)).isTrue();
    assertThat(holds(FILE, 0)).isTrue();
    assertThat(holds(FILE, pinned - 1)).isTrue();
  }

  @Test
  void whatIsThereAlreadyIsNotPinnedPastTheRoomEither() {
    int chunks = LIMIT_CHUNKS + 20;
    for (int i = 0; i < chunks; i++) {
      MemorySegment bytes = chunk(i);
      tier.put(FILE, i, false, hash(bytes), bytes);
    }
    tier.flush();
    PinRound round = tier.pinRound(PIN);
    assertThat(round.holdPage(FILE, chunks)).isFalse();
    assertThat(tier.stats().pinnedBytes()).isBetween(1L, tier.stats().pinnableBytes() + 16_384);
    // What there is no room for is in nobody's way, and what is pinned stays with the pin.
    long pinned = tier.stats().pinnedBytes();
    round.complete();
    assertThat(tier.stats().pinnedBytes()).isEqualTo(pinned);
    MemorySegment name = chunk(9999);
    PinRound next = tier.pinRound(PIN);
    assertThat(next.put(SMALL_FILE, 0, true, hash(name), name, false)).isFalse();
    assertThat(next.put(SMALL_FILE, 0, true, hash(name), name, true)).isTrue();
    assertThat(next.put(SMALL_FILE, 0, true, hash(name), name, false)).isTrue();
  }

  @Test
  void aPageThatLostAChunkMeanwhileIsNotWhole() throws Exception {
    PinRound round = tier.pinRound(PIN);
    assertThat(put(round, FILE, 0, 0)).isTrue();
    assertThat(put(round, FILE, 1, 1)).isTrue();
    try (RandomAccessFile slab =
        new RandomAccessFile(folder.resolve("large.slab").toFile(), "rw")) {
      slab.seek(5);
      slab.write(new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
    }
    assertThat(tier.verify(_ -> true)).isEqualTo(1);
    assertThat(round.holdPage(FILE, 2)).isFalse();
    assertThat(tier.pinRound(PIN).isWhole(FILE)).isFalse();
    assertThat(put(round, FILE, 0, 0)).isTrue();
    assertThat(put(round, FILE, 1, 1)).isTrue();
    assertThat(round.holdPage(FILE, 2)).isTrue();
    assertThat(tier.pinRound(PIN).isWhole(FILE)).isTrue();
  }

  @Test
  void itIsPinnedInASmallerCacheToo() throws Exception {
    tier.resize(1L << 30);
    for (int i = 0; i < 20_000; i++) {
      MemorySegment bytes = bytes(i, 500);
      tier.put(new PageKey(50_000 + i, 1), 0, true, hash(bytes), bytes);
    }
    pinBoth();
    tier.resize(limit());
    assertHoldsBoth();
    watchFootage();
    watchFootage();
    assertHoldsBoth();
    assertThat(tier.stats().pinnedBytes()).isEqualTo(10 * CHUNK + 4096 + 16_384);
    tier.keepPins(Set.of());
    assertThat(tier.stats().pinnedBytes()).isZero();
  }

  @Test
  void theBoundHoldsWhateverIsPinned() throws Exception {
    pinBoth();
    long less = 2 << 20;
    tier.resize(less);
    assertThat(tier.stats().usedBytes()).isLessThanOrEqualTo(less);
    assertThat(tier.pinRound(PIN).isWhole(FILE)).isFalse();
  }

  @Test
  void aClearedCacheHasNothingPinned() throws Exception {
    pinBoth();
    PinRound round = tier.pinRound(PIN);
    assertThat(round.isWhole(FILE)).isTrue();
    tier.clear();
    assertThat(tier.stats().pinnedBytes()).isZero();
    MemorySegment small = bytes(100, 3000);
    assertThat(round.put(SMALL_FILE, 0, true, hash(small), small, false)).isTrue();
    assertThat(round.holdPage(SMALL_FILE, 1)).isTrue();
    round.complete();
    assertThat(holds(FILE, 0)).isFalse();
    watchFootage();
    assertThat(holds(SMALL_FILE, 0)).isTrue();
  }
}
