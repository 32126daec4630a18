package io.wormhole.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.protocol.hash.ChunkHash;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PersistentMapTest {
  private static final long MOST_BYTES = 256 << 10;
  private static final long MOST_BYTES_PER_ENTRY = 100;

  @TempDir private Path folder;

  private static byte[] key(Random random) {
    byte[] key = new byte[ChunkHash.BYTES];
    random.nextBytes(key);
    return key;
  }

  private static byte[] value(long value) {
    return ByteBuffer.allocate(Long.BYTES).putLong(value).array();
  }

  /** However its keys are spread over the parts of the map. */
  @ParameterizedTest
  @ValueSource(ints = {1, 1024, 2048, 1 << 14, 1 << 16, 1 << 20})
  void asManyAsWereAskedForFindRoom(int entries) throws IOException {
    for (long seed = 0; seed < Math.clamp((1 << 17) / entries, 1, 20); seed++) {
      Path file = folder.resolve("map" + seed);
      try (PersistentMap map = new PersistentMap(file, ChunkHash.BYTES, Long.BYTES, entries)) {
        Random keys = new Random(seed);
        for (int i = 0; i < entries; i++) {
          map.put(key(keys), value(i));
        }
        map.rest();
        assertThat(map.allocatedBytes()).isLessThan(MOST_BYTES + entries * MOST_BYTES_PER_ENTRY);
        keys.setSeed(seed);
        for (int i = 0; i < entries; i++) {
          assertThat(map.get(key(keys))).contains(value(i));
        }
      }
    }
  }
}
