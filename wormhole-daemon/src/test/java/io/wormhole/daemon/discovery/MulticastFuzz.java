package io.wormhole.daemon.discovery;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A packet that anybody on the network may have sent. */
public final class MulticastFuzz {
  private static final int TXT = 16;
  private static final int SRV = 33;

  private MulticastFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) {
    var _ = MulticastMessage.parse(input, input.length);
    // A buffer that is larger than what came into it.
    if (input.length > 1) {
      var _ = MulticastMessage.parse(input, input.length - 1);
    }
  }

  public static List<byte[]> seeds() {
    byte[] target = name("x.local");
    byte[] server =
        ByteBuffer.allocate(6 + target.length).putInt(0).putShort((short) 4747).put(target).array();
    byte[] text =
        "\3v=1\6n=0007\22s=0011223344556677\22h=8899aabbccddeeff"
            .getBytes(StandardCharsets.ISO_8859_1);
    return List.of(MulticastMessage.query(), answer(server, text));
  }

  private static byte[] answer(byte[] server, byte[] text) {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    answer.writeBytes(
        ByteBuffer.allocate(12).putShort((short) 0).putShort((short) 0x8400).putInt(2).array());
    record(answer, SRV, server);
    record(answer, TXT, text);
    return answer.toByteArray();
  }

  private static void record(ByteArrayOutputStream to, int type, byte[] content) {
    to.writeBytes(name("abc." + MulticastMessage.SERVICE));
    to.writeBytes(
        ByteBuffer.allocate(10)
            .putShort((short) type)
            .putShort((short) 0x8001)
            .putInt(120)
            .putShort((short) content.length)
            .array());
    to.writeBytes(content);
  }

  private static byte[] name(String name) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (String label : name.split("\\.", -1)) {
      bytes.write(label.length());
      bytes.writeBytes(label.getBytes(StandardCharsets.ISO_8859_1));
    }
    bytes.write(0);
    return bytes.toByteArray();
  }
}
