package io.wormhole.protocol.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FrameHeaderTest {
  private static ByteBuffer bytes(int length, int type, int flags, int reserved) {
    return ByteBuffer.allocate(FrameHeader.BYTES)
        .putInt(length)
        .put((byte) type)
        .put((byte) flags)
        .putShort((short) reserved)
        .flip();
  }

  @ParameterizedTest
  @EnumSource(FrameType.class)
  void whatIsWrittenIsRead(FrameType type) throws WireException {
    FrameHeader header = new FrameHeader(type, Limits.payloadBytes(type, true));
    ByteBuffer wire = ByteBuffer.allocate(FrameHeader.BYTES);
    header.write(wire);
    assertThat(wire.remaining()).isZero();
    assertThat(FrameHeader.read(wire.flip(), true)).isEqualTo(header);
  }

  @ParameterizedTest
  @EnumSource(FrameType.class)
  void oneByteMoreThanTheLimitIsRefused(FrameType type) {
    for (boolean trusted : new boolean[] {false, true}) {
      int tooLong = Limits.payloadBytes(type, trusted) + 1;
      assertThatThrownBy(() -> FrameHeader.read(bytes(tooLong, type.code(), 0, 0), trusted))
          .isInstanceOf(WireException.class);
    }
  }

  @Test
  void nobodySendsMoreThanFourKibibytesBeforeTrust() {
    for (FrameType type : FrameType.values()) {
      assertThat(Limits.payloadBytes(type, false)).isEqualTo(4096);
    }
  }

  @Test
  void lengthWithTheHighestBitSetIsRefused() {
    assertThatThrownBy(
            () -> FrameHeader.read(bytes(0x80000000, FrameType.REQUEST.code(), 0, 0), true))
        .isInstanceOf(WireException.class);
  }

  @Test
  void unknownTypeIsRefused() {
    for (int code = 0; code < 256; code++) {
      int type = code;
      if (FrameType.of(type) == null) {
        assertThatThrownBy(() -> FrameHeader.read(bytes(0, type, 0, 0), true))
            .isInstanceOf(WireException.class);
      }
    }
  }

  @Test
  void bitsOfALaterVersionAreRefused() {
    int type = FrameType.REQUEST.code();
    assertThatThrownBy(() -> FrameHeader.read(bytes(0, type, 1, 0), true))
        .isInstanceOf(WireException.class);
    assertThatThrownBy(() -> FrameHeader.read(bytes(0, type, 0, 1), true))
        .isInstanceOf(WireException.class);
  }
}
