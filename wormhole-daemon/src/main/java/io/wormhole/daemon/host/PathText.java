package io.wormhole.daemon.host;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** A path of the host in characters. Bytes that are no UTF-8 become {@code \xNN}. */
final class PathText {
  private static final int ASCII_END = 0x80;

  private PathText() {}

  static String of(byte[] path) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(path)).toString();
    } catch (CharacterCodingException notUtf8) {
      return escaped(path);
    }
  }

  private static String escaped(byte[] path) {
    StringBuilder text = new StringBuilder();
    for (byte octet : path) {
      int value = Byte.toUnsignedInt(octet);
      text.append(value < ASCII_END ? String.valueOf((char) value) : "\\x%02x".formatted(value));
    }
    return text.toString();
  }
}
