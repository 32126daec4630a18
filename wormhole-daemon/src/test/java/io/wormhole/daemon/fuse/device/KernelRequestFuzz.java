package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Messages of the kernel: opcode in the first byte, body behind it. */
public final class KernelRequestFuzz {
  private static final int MAX = 131_072;
  private static final int HEADER = 40;
  private static final RequestDecoder DECODER = new RequestDecoder(MAX);

  private KernelRequestFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] body = Arrays.copyOfRange(input, 1, input.length);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = arena.allocate(HEADER + body.length, 8);
      message.set(JAVA_INT, Abi.InHeader.LEN, HEADER + body.length);
      message.set(JAVA_INT, Abi.InHeader.OPCODE, Byte.toUnsignedInt(input[0]));
      message.set(JAVA_LONG, Abi.InHeader.UNIQUE, 77);
      MemorySegment.copy(MemorySegment.ofArray(body), 0, message, HEADER, body.length);
      Request request = DECODER.decode(message);
      if (request.unique() != 77) {
        throw new AssertionError("an answer for another request");
      }
      if (request instanceof Request.Waiting waiting
          && (waiting.replyBytes() < 0 || waiting.replyBytes() > MAX)) {
        throw new AssertionError("a reply of " + waiting.replyBytes());
      }
      if (request instanceof Request.Forget forget && forget.nodes().length > body.length) {
        throw new AssertionError("more to forget than was said");
      }
    } catch (IndexOutOfBoundsException tooShort) {
      // What a reader of the device answers with EIO.
    }
  }

  public static List<byte[]> seeds() {
    return Arrays.stream(Opcode.values())
        .map(opcode -> {
          byte[] seed = new byte[65];
          seed[0] = (byte) opcode.code();
          seed[1] = 'n';
          return seed;
        })
        .toList();
  }
}
