package io.wormhole.daemon.transport;

import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Ping;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;

/** Frames and what stands in them, up to the request server, however the bytes were cut. */
public final class FrameFuzz {
  private static final Executor NOBODY = _ -> {};

  private FrameFuzz() {}

  /** The first byte: trusted or not, host or mount, and how long the pieces are. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    boolean trusted = (input[0] & 1) != 0;
    int piece = 1 + ((input[0] & 0x7e) >> 1) * 3;
    FrameHandler handler =
        (input[0] & 0x80) == 0
            ? new Bounds(trusted)
            : new RequestServer((_, responder) -> responder.abandoned(), NOBODY, 1).stream();
    FrameDecoder decoder = new FrameDecoder(new Nowhere(), handler, () -> trusted);
    try {
      for (int at = 1; at < input.length; at += piece) {
        ByteBuf in = Unpooled.wrappedBuffer(input, at, Math.min(piece, input.length - at));
        decoder.read(in, () -> true);
      }
    } catch (WireException broken) {
      return;
    }
    decoder.ended(new LaneException(LaneException.Kind.CLOSED_BY_PEER, CloseReason.DONE, "over"));
  }

  public static List<byte[]> seeds() {
    byte[] ping =
        Request.newBuilder()
            .setId(1)
            .setDeadlineMillis(1000)
            .setPing(Ping.getDefaultInstance())
            .build()
            .toByteArray();
    byte[] chunk = new byte[ChunkHeader.BYTES + 100];
    chunk[11] = 100;
    return List.of(
        seed(0x81, FrameType.REQUEST, ping),
        seed(0x8f, FrameType.REQUEST, ping),
        seed(0, FrameType.CLIENT_HELLO, new byte[20]),
        seed(1, FrameType.REPLY, new byte[0]),
        seed(1, FrameType.CHUNK, chunk));
  }

  private static byte[] seed(int first, FrameType type, byte[] payload) {
    ByteBuffer seed = ByteBuffer.allocate(1 + 2 * (FrameHeader.BYTES + payload.length));
    seed.put((byte) first);
    for (int i = 0; i < 2; i++) {
      byte[] header = new byte[FrameHeader.BYTES];
      new FrameHeader(type, payload.length).write(ByteBuffer.wrap(header));
      seed.put(header).put(payload);
    }
    return seed.array();
  }

  /** Nothing is larger than it may be. */
  private static final class Bounds implements FrameHandler {
    private final boolean trusted;

    Bounds(boolean trusted) {
      this.trusted = trusted;
    }

    @Override
    public void frame(FrameStream stream, FrameType type, ByteBuffer payload) {
      if (payload.remaining() > Limits.payloadBytes(type, trusted)) {
        throw new AssertionError("a frame past its limit");
      }
    }

    @Override
    public ChunkSink chunk(FrameStream stream, ChunkHeader header) {
      byte[] memory = new byte[header.dataBytes()];
      Arrays.fill(memory, (byte) 1);
      return new ChunkSink() {
        @Override
        public MemorySegment destination() {
          return MemorySegment.ofArray(memory);
        }

        @Override
        public void complete() {
          // Every byte was written within the memory.
        }

        @Override
        public void failed(LaneException why) {
          // Half a chunk is none.
        }
      };
    }

    @Override
    public void ended(FrameStream stream, LaneException why) {
      // Holds nothing.
    }
  }

  /** Where answers go. */
  private static final class Nowhere extends IdleStream {
    @Override
    public void send(FrameType type, MessageLite message, Turn turn) {
      if (message.getSerializedSize() > Limits.payloadBytes(type, true)) {
        throw new AssertionError("an answer that cannot be sent");
      }
    }
  }
}
