package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class FrameDecoderTest {
  static {
    Wire.watchLeaks();
  }

  private final Recorder recorder = new Recorder();
  private final FrameStream stream = new IdleStream();

  @Property(tries = 200)
  void framesComeOutHoweverTheBytesWereSplit(
      @ForAll @Size(min = 1, max = 12) List<@IntRange(min = 0, max = 40_000) Integer> sizes,
      @ForAll long seed)
      throws WireException {
    Recorder seen = new Recorder();
    FrameDecoder decoder = new FrameDecoder(stream, seen, () -> true);
    Random random = new Random(seed);
    List<byte[]> expected = new ArrayList<>();
    ByteArrayOutputStream wire = new ByteArrayOutputStream();
    for (int size : sizes) {
      byte[] payload = new byte[size];
      random.nextBytes(payload);
      expected.add(payload);
      if (random.nextBoolean()) {
        wire.writeBytes(frame(FrameType.REPLY, payload));
      } else {
        wire.writeBytes(chunk(payload));
      }
    }
    byte[] bytes = wire.toByteArray();
    int at = 0;
    while (at < bytes.length) {
      int piece = Math.min(bytes.length - at, 1 + random.nextInt(random.nextBoolean() ? 9 : 5000));
      ByteBuf in = Unpooled.directBuffer(piece).writeBytes(bytes, at, piece);
      decoder.read(in, () -> true);
      assertThat(in.isReadable()).isFalse();
      in.release();
      at += piece;
    }
    assertThat(seen.seen.stream().map(Recorder.Seen::payload)).containsExactlyElementsOf(expected);
    assertThat(decoder.atFrameBorder()).isTrue();
  }

  @Test
  void decodingStopsBetweenFramesWhenToldTo() throws WireException {
    FrameDecoder decoder = new FrameDecoder(stream, recorder, () -> true);
    ByteBuf in =
        Unpooled.directBuffer()
            .writeBytes(frame(FrameType.REPLY, new byte[3]))
            .writeBytes(frame(FrameType.REPLY, new byte[4]));
    decoder.read(in, recorder.seen::isEmpty);
    assertThat(recorder.seen).hasSize(1);
    assertThat(in.readableBytes()).isEqualTo(FrameHeader.BYTES + 4);
    decoder.read(in, () -> true);
    assertThat(recorder.seen).hasSize(2);
    in.release();
  }

  @Test
  void anUnknownTypeIsRefused() {
    assertRefused(true, "unknown type", 0, 0, 0, 0, 0x1f, 0, 0, 0);
  }

  @Test
  void flagsOfLaterVersionsAreRefused() {
    assertRefused(true, "bits", 0, 0, 0, 0, FrameType.REQUEST.code(), 1, 0, 0);
    assertRefused(true, "bits", 0, 0, 0, 0, FrameType.REQUEST.code(), 0, 0, 1);
  }

  @Test
  void aStrangersLargeFrameIsRefusedByItsHeaderAlone() {
    int tooLong = Limits.UNTRUSTED_FRAME_BYTES + 1;
    assertRefused(
        false, "allowed", 0, 0, tooLong >> 8, tooLong & 0xff, FrameType.REQUEST.code(), 0, 0, 0);
  }

  @Test
  void lengthsPastTheLimitOfTheTypeAreRefused() {
    assertRefused(true, "allowed", 0, 1, 0, 1, FrameType.REQUEST.code(), 0, 0, 0);
    assertRefused(true, "allowed", 0, 4, 0, 1, FrameType.REPLY.code(), 0, 0, 0);
    assertRefused(true, "allowed", 0xff, 0, 0, 0, FrameType.REPLY.code(), 0, 0, 0);
  }

  @Test
  void aChunkFrameTooShortForItsHeaderIsRefused() {
    assertRefused(true, "chunk frame", 0, 0, 0, 47, FrameType.CHUNK.code(), 0, 0, 0);
  }

  @Test
  void aChunkWhoseCountsContradictEachOtherIsRefused() {
    byte[] chunk = chunk(new byte[20_000]);
    chunk[FrameHeader.BYTES + 11]++;
    FrameDecoder decoder = new FrameDecoder(stream, recorder, () -> true);
    ByteBuf in = Unpooled.directBuffer().writeBytes(chunk);
    assertThatThrownBy(() -> decoder.read(in, () -> true)).isInstanceOf(WireException.class);
    in.release();
  }

  @Test
  void anUnwantedRestOfAChunkIsSkippedAndItsMemoryLeftAlone() throws WireException {
    byte[] memory = new byte[100];
    boolean[] wanted = {true};
    boolean[] told = {false};
    boolean[] over = {false};
    FrameHandler handler =
        new FrameHandler() {
          @Override
          public void frame(FrameStream from, FrameType type, ByteBuffer payload) {
            told[0] = type == FrameType.REPLY;
          }

          @Override
          public ChunkSink chunk(FrameStream from, ChunkHeader header) {
            return new ChunkSink() {
              @Override
              public MemorySegment destination() {
                return MemorySegment.ofArray(memory);
              }

              @Override
              public boolean wanted() {
                return wanted[0];
              }

              @Override
              public void complete() {
                over[0] = true;
              }

              @Override
              public void failed(LaneException why) {
                throw new AssertionError("it has come");
              }
            };
          }

          @Override
          public void ended(FrameStream from, LaneException why) {}
        };
    byte[] data = new byte[100];
    Arrays.fill(data, (byte) 5);
    byte[] chunk = chunk(data);
    FrameDecoder decoder = new FrameDecoder(stream, handler, () -> true);
    ByteBuf first = Unpooled.directBuffer().writeBytes(chunk, 0, chunk.length - 40);
    decoder.read(first, () -> true);
    wanted[0] = false;
    assertThat(over[0]).isFalse();
    ByteBuf rest =
        Unpooled.directBuffer()
            .writeBytes(chunk, chunk.length - 40, 40)
            .writeBytes(frame(FrameType.REPLY, new byte[1]));
    decoder.read(rest, () -> true);
    assertThat(Arrays.copyOf(memory, 60)).containsOnly(5);
    assertThat(Arrays.copyOfRange(memory, 60, 100)).containsOnly(0);
    assertThat(over[0]).isTrue();
    assertThat(told[0]).isTrue();
    first.release();
    rest.release();
  }

  private void assertRefused(boolean trusted, String why, int... header) {
    FrameDecoder decoder = new FrameDecoder(stream, recorder, () -> trusted);
    ByteBuf in = Unpooled.directBuffer();
    for (int value : header) {
      in.writeByte(value);
    }
    assertThatThrownBy(() -> decoder.read(in, () -> true))
        .isInstanceOf(WireException.class)
        .hasMessageContaining(why);
    assertThat(recorder.seen).isEmpty();
    in.release();
  }

  private static byte[] frame(FrameType type, byte[] payload) {
    ByteBuffer out = ByteBuffer.allocate(FrameHeader.BYTES + payload.length);
    new FrameHeader(type, payload.length).write(out);
    return out.put(payload).array();
  }

  private static byte[] chunk(byte[] data) {
    ChunkHeader header = Wire.header(7, data.length);
    ByteBuffer out = ByteBuffer.allocate(FrameHeader.BYTES + header.payloadBytes());
    new FrameHeader(FrameType.CHUNK, header.payloadBytes()).write(out);
    header.write(out);
    return out.put(data).array();
  }
}
