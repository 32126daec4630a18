package io.wormhole.protocol.wire;

import org.jspecify.annotations.Nullable;

/** What a frame carries. The code is the byte on the wire; {@code docs/PROTOCOL.md} lists them. */
public enum FrameType {
  CLIENT_HELLO(0x01),
  HOST_HELLO(0x02),
  CLIENT_CONFIRM(0x03),
  HOST_CONFIRM(0x04),
  BULK_HELLO(0x05),
  BULK_WELCOME(0x06),
  REFUSAL(0x07),
  /** Of a lane over TCP alone: why it ends. */
  CLOSE(0x08),
  REQUEST(0x10),
  REPLY(0x11),
  /** A {@link ChunkHeader}, the groups' chaining values and the bytes of one chunk. */
  CHUNK(0x12);

  private static final @Nullable FrameType[] BY_CODE = new FrameType[0x20];

  static {
    for (FrameType type : values()) {
      BY_CODE[type.code] = type;
    }
  }

  private final int code;

  FrameType(int code) {
    this.code = code;
  }

  /** The byte on the wire, 0 to 255. */
  public int code() {
    return code;
  }

  /** The type of a byte from the wire, or null when this version knows none such. */
  public static @Nullable FrameType of(int code) {
    return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
  }
}
