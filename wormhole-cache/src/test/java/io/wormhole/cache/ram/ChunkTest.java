package io.wormhole.cache.ram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.protocol.hash.ChunkHash;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ChunkTest {
  private final SlabArena arena = new SlabArena(1 << 20, () -> {});

  @AfterEach
  void everySlotIsBack() {
    assertThat(arena.usage().used()).isZero();
    arena.close();
    assertThat(arena.isMapped()).isFalse();
  }

  @Test
  void lastReleaseFreesTheSlot() {
    Chunk chunk = chunk(10);
    assertThat(chunk.retain()).isTrue();
    chunk.release();
    assertThat(arena.usage().used()).isEqualTo(1);
    chunk.release();
    assertThat(arena.usage().used()).isZero();
  }

  @Test
  void retainFailsAtZero() {
    Chunk chunk = chunk(10);
    chunk.release();
    assertThat(chunk.retain()).isFalse();
  }

  @Test
  void useAfterReleaseIsAFault() {
    Chunk chunk = chunk(10);
    chunk.release();
    assertThatThrownBy(chunk::bytes).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(chunk::release).isInstanceOf(IllegalStateException.class);
    assertThat(chunk.retain()).isFalse();
  }

  @Test
  void bytesAreReadOnlyAndOfTheChunksLength() {
    Chunk chunk = chunk(10);
    assertThat(chunk.bytes().byteSize()).isEqualTo(10);
    assertThat(chunk.length()).isEqualTo(10);
    assertThat(chunk.bytes().isReadOnly()).isTrue();
    assertThatThrownBy(() -> chunk.bytes().get(ValueLayout.JAVA_BYTE, 10))
        .isInstanceOf(IndexOutOfBoundsException.class);
    chunk.release();
  }

  private Chunk chunk(int length) {
    Slot slot = arena.take(SlabArena.SLOT_BYTES);
    assertThat(slot).isNotNull();
    return new Chunk(slot, length, ChunkHash.of(new byte[ChunkHash.BYTES]), false);
  }
}
