package io.wormhole.protocol.hash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ChunkHashTest {
  @Property(tries = 200)
  void bytesAndDigitsComeBack(@ForAll @Size(32) byte[] bytes) {
    ChunkHash hash = ChunkHash.of(bytes);
    assertThat(hash.bytes()).isEqualTo(bytes);
    assertThat(ChunkHash.parse(hash.toString())).isEqualTo(hash).hasSameHashCodeAs(hash);
  }

  @Property(tries = 200)
  void oneByteTellsHashesApart(@ForAll @Size(32) byte[] bytes, @ForAll @IntRange(max = 31) int at) {
    ChunkHash hash = ChunkHash.of(bytes);
    bytes[at]++;
    assertThat(ChunkHash.of(bytes)).isNotEqualTo(hash);
  }

  @Test
  void otherLengthsAreRefused() {
    assertThatThrownBy(() -> ChunkHash.of(new byte[31]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ChunkHash.parse("00")).isInstanceOf(IllegalArgumentException.class);
  }
}
