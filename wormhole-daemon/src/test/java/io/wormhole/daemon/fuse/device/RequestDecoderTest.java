package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.fuse.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every message of the kernel is understood or refused, whatever is in it. */
class RequestDecoderTest {
  private static final int MAX = 131_072;
  private final RequestDecoder decoder = new RequestDecoder(MAX);

  private static MemorySegment message(int opcode, byte[] body) {
    MemorySegment message = Arena.ofAuto().allocate(40L + body.length, 8);
    message.set(JAVA_INT, Abi.InHeader.LEN, 40 + body.length);
    message.set(JAVA_INT, Abi.InHeader.OPCODE, opcode);
    message.set(JAVA_LONG, Abi.InHeader.UNIQUE, 77);
    message.set(JAVA_LONG, Abi.InHeader.NODE, 5);
    MemorySegment.copy(MemorySegment.ofArray(body), 0, message, 40, body.length);
    return message;
  }

  private Request decode(Opcode opcode, byte[] body) {
    return decoder.decode(message(opcode.code(), body));
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "SETATTR",
        "SYMLINK",
        "MKNOD",
        "MKDIR",
        "UNLINK",
        "RMDIR",
        "RENAME",
        "RENAME2",
        "LINK",
        "WRITE",
        "SETXATTR",
        "REMOVEXATTR",
        "CREATE",
        "TMPFILE",
        "FALLOCATE",
        "COPY_FILE_RANGE",
        "COPY_FILE_RANGE_64"
      })
  void everyMutationIsRefusedAsReadOnly(Opcode opcode) {
    assertThat(decode(opcode, new byte[100])).isEqualTo(new Request.Refused(77, Errno.EROFS));
  }

  @Test
  void opensThatWriteOrTruncateAreRefused() {
    for (int flags : new int[] {1, 2, 01000}) {
      byte[] body = {(byte) flags, (byte) (flags >> 8), 0, 0, 0, 0, 0, 0};
      assertThat(decode(Opcode.OPEN, body)).isEqualTo(new Request.Refused(77, Errno.EROFS));
    }
    byte[] direct = {0, (byte) (040000 >> 8), 0, 0, 0, 0, 0, 0};
    assertThat(decode(Opcode.OPEN, direct)).isEqualTo(new Request.Open(77, 5));
  }

  @Test
  void accessIsRefusedForWritingOnly() {
    assertThat(decode(Opcode.ACCESS, new byte[] {2, 0, 0, 0, 0, 0, 0, 0}))
        .isEqualTo(new Request.Refused(77, Errno.EROFS));
    assertThat(decode(Opcode.ACCESS, new byte[] {5, 0, 0, 0, 0, 0, 0, 0}))
        .isEqualTo(new Request.Accepted(77));
  }

  @Test
  void unknownOpcodesAreNotImplementedAndControlsAreNoTerminals() {
    assertThat(decoder.decode(message(4711, new byte[0])))
        .isEqualTo(new Request.Refused(77, Errno.ENOSYS));
    assertThat(decode(Opcode.LSEEK, new byte[24])).isEqualTo(new Request.Refused(77, Errno.ENOSYS));
    assertThat(decode(Opcode.IOCTL, new byte[32])).isEqualTo(new Request.Refused(77, Errno.ENOTTY));
  }

  @Test
  void namesEndAtTheirNulAndAreAtMost255Bytes() {
    Request request = decode(Opcode.LOOKUP, "name\0".getBytes(StandardCharsets.UTF_8));
    assertThat(request).isInstanceOf(Request.Lookup.class);
    assertThat(((Request.Lookup) request).name())
        .isEqualTo("name".getBytes(StandardCharsets.UTF_8));
    assertThat(decode(Opcode.LOOKUP, ("x".repeat(256) + "\0").getBytes(StandardCharsets.UTF_8)))
        .isEqualTo(new Request.Refused(77, Errno.ENAMETOOLONG));
  }

  @Test
  void batchesOfForgetsKeepTheirPairs() {
    MemorySegment message = message(Opcode.BATCH_FORGET.code(), new byte[8 + 3 * 16]);
    message.set(JAVA_INT, 40, 3);
    for (int i = 0; i < 3; i++) {
      message.set(JAVA_LONG, 48 + 16L * i, 100 + i);
      message.set(JAVA_LONG, 56 + 16L * i, 200 + i);
    }
    Request.Forget forget = (Request.Forget) decoder.decode(message);
    assertThat(forget.nodes()).containsExactly(100, 101, 102);
    assertThat(forget.lookups()).containsExactly(200, 201, 202);
  }

  @Test
  void aBatchThatClaimsMoreThanItHoldsIsRefusedBeforeMemoryIsTaken() {
    for (int count : new int[] {2, Integer.MAX_VALUE, -1}) {
      MemorySegment message = message(Opcode.BATCH_FORGET.code(), new byte[8 + 16]);
      message.set(JAVA_INT, 40, count);
      assertThatThrownBy(() -> decoder.decode(message))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Property(tries = 2000)
  void anyMessageIsDecodedOrRefusedAndAsksForBoundedRoom(
      @ForAll @IntRange(min = 0, max = 60) int opcode, @ForAll @Size(max = 120) byte[] body) {
    try {
      Request request = decoder.decode(message(opcode, body));
      assertThat(request.unique()).isEqualTo(77);
      if (request instanceof Request.Waiting waiting) {
        assertThat(waiting.replyBytes()).isBetween(0, MAX);
      }
    } catch (IndexOutOfBoundsException e) {
      boolean endsInWhatItCounts =
          opcode == Opcode.LOOKUP.code()
              || opcode == Opcode.GETXATTR.code()
              || opcode == Opcode.BATCH_FORGET.code();
      assertThat(endsInWhatItCounts || body.length < 40).as("whole messages are decoded").isTrue();
    }
  }
}
