package io.wormhole.cache.ram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.protocol.hash.ChunkHash;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RamTierTest {
  private static final int SLOTS = 64;
  private static final long SLOT = SlabArena.SLOT_BYTES;

  private final RamTier<Integer> tier = new RamTier<>(SLOTS * SLOT, () -> {});
  private final List<Chunk> held = new ArrayList<>();
  private boolean hasSmall;

  @AfterEach
  void slotsAreUsedByListedChunksAndNothingElse() {
    held.forEach(Chunk::release);
    if (!hasSmall) {
      assertThat(tier.usage().usedBytes()).isEqualTo(tier.usage().chunks() * SLOT);
    }
    tier.removeIf(_ -> true);
    assertThat(tier.usage().usedBytes()).isZero();
    tier.close();
    assertThat(tier.isReleased()).isTrue();
  }

  @Test
  void manyTimesItsLimitPassesThroughWithoutExceedingIt() {
    for (int key = 0; key < 20 * SLOTS; key++) {
      list(key, false);
      assertThat(tier.usage().usedBytes()).isLessThanOrEqualTo(SLOTS * SLOT);
    }
    assertThat(tier.usage().chunks()).isGreaterThan(SLOTS / 2);
    assertThat(tier.usage().evictions()).isEqualTo(20 * SLOTS - tier.usage().chunks());
  }

  @Test
  void chunkReadAheadOutlivesHotterOnesUntilItIsRead() {
    for (int key = 0; key < SLOTS; key++) {
      list(key, false);
      read(key);
    }
    for (int key = 1000; key < 1000 + tier.readAheadSlots(); key++) {
      list(key, true);
    }
    for (int key = 2000; key < 2000 + 4 * SLOTS; key++) {
      list(key, false);
      read(key);
    }
    for (int key = 1000; key < 1000 + tier.readAheadSlots(); key++) {
      assertThat(tier.contains(key)).as("chunk %d", key).isTrue();
      assertThat(read(key)).isTrue();
    }
  }

  @Test
  void chunkThatWasReadForTheFirstTimeJustNowIsThereForItsOtherParts() {
    for (int key = 0; key < SLOTS; key++) {
      list(key, false);
      read(key);
      read(key);
    }
    for (int key = 1000; key < 1000 + 4 * SLOTS; key++) {
      list(key, key % 2 == 0);
      assertThat(read(key)).isTrue();
      assertThat(read(key - 1)).as("chunk %d", key - 1).isEqualTo(key > 1000);
      assertThat(read(key - 2)).as("chunk %d", key - 2).isEqualTo(key > 1001);
    }
  }

  @Test
  void readAheadThatIsNeverReadMakesRoomForMoreOfIt() {
    for (int key = 0; key < 10 * SLOTS; key++) {
      list(key, true);
    }
    assertThat(tier.contains(10 * SLOTS - 1)).isTrue();
    assertThat(tier.contains(10 * SLOTS - tier.readAheadSlots())).isTrue();
    assertThat(tier.usage().evictions()).isEqualTo(10 * SLOTS - tier.usage().chunks());
  }

  @Test
  void takerGetsProtectedSlotsBeforeHeIsTurnedAway() {
    for (int key = 0; key < tier.readAheadSlots(); key++) {
      list(key, true);
    }
    List<Slot> slots = new ArrayList<>();
    for (Slot slot = tier.take((int) SLOT); slot != null; slot = tier.take((int) SLOT)) {
      slots.add(slot);
    }
    assertThat(slots).hasSize(SLOTS);
    assertThat(tier.usage().chunks()).isZero();
    slots.forEach(Slot::release);
  }

  @Test
  void heldChunksAreNotEvictedForATaker() {
    for (int key = 0; key < SLOTS / 2; key++) {
      list(key, false);
      Chunk chunk = tier.get(key);
      assertThat(chunk).isNotNull();
      held.add(chunk);
    }
    List<Slot> slots = new ArrayList<>();
    for (Slot slot = tier.take((int) SLOT); slot != null; slot = tier.take((int) SLOT)) {
      slots.add(slot);
    }
    assertThat(slots).hasSize(SLOTS / 2);
    assertThat(tier.usage().chunks()).isEqualTo(SLOTS / 2);
    slots.forEach(Slot::release);
  }

  @Test
  void secondChunkUnderAKeyIsLetGo() {
    list(1, false);
    Chunk first = tier.get(1);
    list(1, false);
    Chunk again = tier.get(1);
    assertThat(again).isSameAs(first).isNotNull();
    held.add(again);
    held.add(again);
    assertThat(tier.usage().usedBytes()).isEqualTo(SLOT);
  }

  @Test
  void smallerLimitIsKeptAtOnce() {
    for (int key = 0; key < SLOTS; key++) {
      list(key, key % 3 == 0);
    }
    tier.resize(SLOTS / 4 * SLOT);
    assertThat(tier.usage().usedBytes()).isLessThanOrEqualTo(SLOTS / 4 * SLOT);
    assertThat(tier.usage().ramBytes()).isLessThanOrEqualTo(SLOTS / 4 * SLOT);
    tier.resize(SLOTS * SLOT);
    for (int key = 0; key < 2 * SLOTS; key++) {
      list(key, false);
    }
    assertThat(tier.usage().chunks()).isGreaterThan(SLOTS / 2);
  }

  @Test
  void smallChunksTakeAnEighth() {
    for (int key = 0; key < 20 * 8 * SLOTS; key++) {
      listSmall(key);
      assertThat(tier.usage().usedBytes()).isLessThanOrEqualTo(SLOTS * SLOT);
    }
    assertThat(tier.usage().chunks()).isGreaterThan(5 * SLOTS);
  }

  @Test
  void wholePlacesAreHadOfSmallChunksWhereverTheColdOnesAre() {
    Random random = new Random(1);
    for (int key = 0; key < 100 * SLOTS; key++) {
      listSmall(key);
      read(random.nextInt(key + 1));
    }
    List<Slot> slots = new ArrayList<>();
    for (Slot slot = tier.take((int) SLOT); slot != null; slot = tier.take((int) SLOT)) {
      slots.add(slot);
    }
    assertThat(slots).hasSize(SLOTS);
    assertThat(tier.usage().chunks()).isZero();
    slots.forEach(Slot::release);
  }

  @Test
  void smallChunkThatIsHeldStaysAndItsNeighboursGo() {
    for (int key = 0; key < 8 * SLOTS; key++) {
      listSmall(key);
      if (key % 64 == 0) {
        Chunk chunk = tier.get(key);
        assertThat(chunk).isNotNull();
        held.add(chunk);
      }
    }
    int before = held.size();
    List<Slot> slots = new ArrayList<>();
    for (Slot slot = tier.take((int) SLOT); slot != null; slot = tier.take((int) SLOT)) {
      slots.add(slot);
    }
    assertThat(slots).hasSizeGreaterThanOrEqualTo(SLOTS - before);
    slots.forEach(Slot::release);
  }

  @Test
  void largeAndSmallChunksTogetherKeepTheLimit() {
    Random random = new Random(2);
    for (int key = 0; key < 50 * SLOTS; key++) {
      if (random.nextInt(4) == 0) {
        list(key, random.nextBoolean());
        hasSmall = true;
      } else {
        listSmall(key);
      }
      read(random.nextInt(key + 1));
      assertThat(tier.usage().usedBytes()).isLessThanOrEqualTo(SLOTS * SLOT);
    }
  }

  @Test
  void limitBelowTheLeastIsRefused() {
    assertThatThrownBy(() -> new RamTier<>(RamTier.MIN_LIMIT_BYTES - 1, () -> {}))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tier.resize(0)).isInstanceOf(IllegalArgumentException.class);
  }

  private void list(int key, boolean readAhead) {
    Slot slot = tier.take((int) SLOT);
    assertThat(slot).isNotNull();
    tier.put(key, new Chunk(slot, 1, ChunkHash.of(new byte[ChunkHash.BYTES]), false), readAhead);
  }

  private void listSmall(int key) {
    hasSmall = true;
    Slot slot = tier.take(SlabArena.SMALL_SLOT_BYTES);
    assertThat(slot).isNotNull();
    tier.put(key, new Chunk(slot, 1, ChunkHash.of(new byte[ChunkHash.BYTES]), false), false);
  }

  private boolean read(int key) {
    Chunk chunk = tier.get(key);
    if (chunk != null) {
      chunk.release();
    }
    return chunk != null;
  }
}
