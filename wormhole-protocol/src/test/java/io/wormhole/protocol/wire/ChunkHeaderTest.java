package io.wormhole.protocol.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ChunkHeaderTest {
  private static ChunkHeader header(int dataBytes, long seed) {
    Random random = new Random(seed);
    byte[] hash = new byte[ChunkHeader.HASH_BYTES];
    random.nextBytes(hash);
    byte[] values = new byte[ChunkHeader.HASH_BYTES * ChunkHeader.groupsOf(dataBytes)];
    random.nextBytes(values);
    return new ChunkHeader(random.nextLong(), dataBytes, random.nextBoolean(), hash, values);
  }

  private static ByteBuffer written(ChunkHeader header) {
    ByteBuffer wire = ByteBuffer.allocate(header.headBytes());
    header.write(wire);
    assertThat(wire.remaining()).isZero();
    return wire.flip();
  }

  @Property
  void whatIsWrittenIsRead(
      @ForAll @IntRange(max = Limits.CHUNK_BYTES) int dataBytes, @ForAll long seed)
      throws WireException {
    ChunkHeader header = header(dataBytes, seed);
    ByteBuffer wire = written(header);
    assertThat(ChunkHeader.headBytes(wire, header.payloadBytes())).isEqualTo(header.headBytes());
    assertThat(ChunkHeader.read(wire)).isEqualTo(header);
  }

  @Test
  void oneGroupHasNoChainingValuesAndTheNextByteHasTwo() {
    assertThat(ChunkHeader.groupsOf(0)).isZero();
    assertThat(ChunkHeader.groupsOf(Limits.GROUP_BYTES)).isZero();
    assertThat(ChunkHeader.groupsOf(Limits.GROUP_BYTES + 1)).isEqualTo(2);
    assertThat(ChunkHeader.groupsOf(Limits.CHUNK_BYTES)).isEqualTo(Limits.GROUPS_PER_CHUNK);
  }

  @Test
  void largestChunkFillsTheLimitOfItsFrame() {
    assertThat(header(Limits.CHUNK_BYTES, 1).payloadBytes()).isEqualTo(Limits.CHUNK_FRAME_BYTES);
  }

  @Property
  void anyFlippedCountIsRefused(
      @ForAll @IntRange(max = Limits.CHUNK_BYTES) int dataBytes,
      @ForAll @IntRange(min = 8, max = 12) int at,
      @ForAll @IntRange(max = 7) int bit) {
    ChunkHeader header = header(dataBytes, 1);
    ByteBuffer wire = written(header);
    wire.put(at, (byte) (wire.get(at) ^ (1 << bit)));
    assertThatThrownBy(() -> ChunkHeader.headBytes(wire, header.payloadBytes()))
        .isInstanceOf(WireException.class);
  }

  @Test
  void frameOfAnotherLengthIsRefused() {
    ChunkHeader header = header(1000, 1);
    assertThatThrownBy(() -> ChunkHeader.headBytes(written(header), header.payloadBytes() + 1))
        .isInstanceOf(WireException.class);
  }

  @Test
  void bitsOfALaterVersionAreRefused() {
    ChunkHeader header = header(1000, 1);
    ByteBuffer flags = written(header);
    flags.put(13, (byte) 0x82);
    assertThatThrownBy(() -> ChunkHeader.headBytes(flags, header.payloadBytes()))
        .isInstanceOf(WireException.class);
    ByteBuffer reserved = written(header);
    reserved.put(15, (byte) 1);
    assertThatThrownBy(() -> ChunkHeader.headBytes(reserved, header.payloadBytes()))
        .isInstanceOf(WireException.class);
  }
}
