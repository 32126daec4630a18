package io.wormhole.daemon.transport;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * A pooled buffer with room before the data for both headers, so that a whole chunk frame is one
 * piece: a header written alone would leave as a packet of its own and spoil the equal sizes that
 * segmented sending needs.
 */
final class PooledOutbound implements Outbound {
  private static final int HEAD_ROOM =
      FrameHeader.BYTES + ChunkHeader.BYTES + Limits.GROUPS_PER_CHUNK * ChunkHeader.HASH_BYTES;

  private final int bytes;
  private final ByteBuf buffer;
  private boolean gone;

  PooledOutbound(ByteBufAllocator allocator, int bytes) {
    if (bytes < 0 || bytes > Limits.CHUNK_BYTES) {
      throw new IllegalArgumentException("no chunk has " + bytes + " bytes");
    }
    this.bytes = bytes;
    this.buffer = allocator.directBuffer(HEAD_ROOM + bytes, HEAD_ROOM + bytes);
  }

  @Override
  public MemorySegment data() {
    if (gone) {
      throw new IllegalStateException("this memory was sent or released");
    }
    return MemorySegment.ofBuffer(buffer.nioBuffer(HEAD_ROOM, bytes));
  }

  @Override
  public void release() {
    if (!gone) {
      gone = true;
      buffer.release();
    }
  }

  /** The whole frame; its one reference passes to the caller. */
  ByteBuf frame(ChunkHeader header) {
    if (gone) {
      throw new IllegalStateException("this memory was sent or released");
    }
    if (header.dataBytes() > bytes) {
      release();
      throw new IllegalArgumentException(
          "a chunk of %d bytes in memory of %d".formatted(header.dataBytes(), bytes));
    }
    int start = HEAD_ROOM - header.headBytes() - FrameHeader.BYTES;
    ByteBuffer head = buffer.nioBuffer(start, HEAD_ROOM - start);
    new FrameHeader(FrameType.CHUNK, header.payloadBytes()).write(head);
    header.write(head);
    gone = true;
    return buffer.setIndex(start, HEAD_ROOM + header.dataBytes());
  }
}
