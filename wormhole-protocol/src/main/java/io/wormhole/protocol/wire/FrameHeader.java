package io.wormhole.protocol.wire;

import java.nio.ByteBuffer;

/**
 * The eight bytes before every frame, big-endian: payload length (4), type (1), flags (1, zero in
 * this version), reserved (2, zero).
 *
 * @param payloadBytes length of what follows, already within {@link Limits#payloadBytes}
 */
public record FrameHeader(FrameType type, int payloadBytes) {
  /** Bytes of a frame header. */
  public static final int BYTES = 8;

  /** Writes eight bytes at the buffer's position. */
  public void write(ByteBuffer target) {
    target.putInt(payloadBytes).put((byte) type.code()).put((byte) 0).putShort((short) 0);
  }

  /**
   * Reads eight bytes at the buffer's position.
   *
   * @param trusted whether the peer has proved who it is; decides the length allowed
   * @throws WireException if the type is unknown, the length past its limit, or a zero is none
   */
  public static FrameHeader read(ByteBuffer source, boolean trusted) throws WireException {
    int length = source.getInt();
    int code = Byte.toUnsignedInt(source.get());
    int flags = Byte.toUnsignedInt(source.get());
    int reserved = Short.toUnsignedInt(source.getShort());
    FrameType type = FrameType.of(code);
    if (type == null) {
      throw new WireException("frame of unknown type 0x%02x".formatted(code));
    }
    if (flags != 0 || reserved != 0) {
      throw new WireException("frame header with bits this version does not know");
    }
    if (length < 0 || length > Limits.payloadBytes(type, trusted)) {
      throw new WireException(
          "%s frame of %d bytes, %d allowed"
              .formatted(type, Integer.toUnsignedLong(length), Limits.payloadBytes(type, trusted)));
    }
    return new FrameHeader(type, length);
  }
}
