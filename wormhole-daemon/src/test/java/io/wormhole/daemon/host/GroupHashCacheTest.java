package io.wormhole.daemon.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.protocol.hash.Blake3;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class GroupHashCacheTest {
  private static final VersionToken VERSION = new VersionToken(1, 2);

  private final GroupHashCache cache = new GroupHashCache(Blake3.plain(), 10_000);

  @Test
  void changedBytesUnderOneVersionAreHashedAgain() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate(40_000);
      var zeros = cache.of(VERSION, 0, chunk);
      chunk.fill((byte) 1);
      var ones = cache.of(VERSION, 0, chunk);
      assertThat(ones).isEqualTo(Blake3.plain().hash(chunk)).isNotEqualTo(zeros);
      assertThat(cache.hits()).isZero();
      assertThat(cache.of(VERSION, 0, chunk)).isEqualTo(ones);
      assertThat(cache.hits()).isEqualTo(1);
    }
  }

  @Test
  void memoryIsBoundedAndTheLeastUsedGoesFirst() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate(40_000);
      for (int index = 0; index < 1000; index++) {
        cache.of(VERSION, 0, chunk);
        cache.of(VERSION, index, chunk);
        assertThat(cache.bytes()).isLessThanOrEqualTo(10_000);
      }
      long hits = cache.hits();
      cache.of(VERSION, 0, chunk);
      assertThat(cache.hits()).isEqualTo(hits + 1);
      cache.of(VERSION, 500, chunk);
      assertThat(cache.hits()).isEqualTo(hits + 1);
    }
  }
}
