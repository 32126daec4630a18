package io.wormhole.daemon.transport;

import io.netty.buffer.ByteBuf;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stream of bytes, however it was split on its way, into frames. A state machine without
 * socket, clock or lock; one thread.
 *
 * <p>Each length is checked before memory is taken for it. A chunk's bytes are copied once, from
 * the network's buffer to their destination.
 */
final class FrameDecoder {
  private enum State {
    HEADER,
    PAYLOAD,
    CHUNK_HEAD,
    CHUNK_DATA
  }

  private final FrameStream stream;
  private final FrameHandler handler;
  private final BooleanSupplier trusted;

  private final ByteBuffer headerBytes = ByteBuffer.allocate(FrameHeader.BYTES);
  private State state = State.HEADER;
  private FrameHeader header = new FrameHeader(FrameType.REQUEST, 0);

  /** A payload that came in pieces. */
  private @Nullable ByteBuffer gathered;

  /** Made with the first chunk: a control lane never has one. */
  private @Nullable ByteBuffer chunkHead;

  private @Nullable ChunkSink sink;
  private MemorySegment destination = MemorySegment.NULL;
  private int dataBytes;
  private int dataOffset;
  private long frames;

  FrameDecoder(FrameStream stream, FrameHandler handler, BooleanSupplier trusted) {
    this.stream = stream;
    this.handler = handler;
    this.trusted = trusted;
  }

  /**
   * Decodes until {@code in} is used up or {@code going}, asked before each step, says no; what is
   * left stays in {@code in}, which remains the caller's.
   *
   * @throws WireException if the peer broke the framing, or the handler says so
   */
  void read(ByteBuf in, BooleanSupplier going) throws WireException {
    while (in.isReadable() && going.getAsBoolean()) {
      switch (state) {
        case HEADER -> readHeader(in);
        case PAYLOAD -> readPayload(in);
        case CHUNK_HEAD -> readChunkHead(in);
        case CHUNK_DATA -> readChunkData(in);
      }
    }
  }

  /** Whether the bytes so far end with a whole frame. */
  boolean atFrameBorder() {
    return state == State.HEADER && headerBytes.position() == 0;
  }

  /** How many frames have begun. */
  long frames() {
    return frames;
  }

  /** No more bytes will come: a sink that was being filled is told. */
  void ended(LaneException why) {
    ChunkSink filling = sink;
    sink = null;
    if (filling != null) {
      filling.failed(why);
    }
  }

  private void readHeader(ByteBuf in) throws WireException {
    if (headerBytes.position() == 0) {
      frames++;
    }
    if (!gather(in, headerBytes)) {
      return;
    }
    headerBytes.flip();
    header = FrameHeader.read(headerBytes, trusted.getAsBoolean());
    headerBytes.clear();
    if (header.type() == FrameType.CHUNK) {
      if (header.payloadBytes() < ChunkHeader.BYTES) {
        throw new WireException("chunk frame of %d bytes".formatted(header.payloadBytes()));
      }
      state = State.CHUNK_HEAD;
      chunkHead().clear().limit(ChunkHeader.BYTES);
    } else if (header.payloadBytes() == 0) {
      handler.frame(stream, header.type(), ByteBuffer.allocate(0));
    } else {
      state = State.PAYLOAD;
    }
  }

  private void readPayload(ByteBuf in) throws WireException {
    int bytes = header.payloadBytes();
    ByteBuffer payload = gathered;
    if (payload == null && in.readableBytes() >= bytes) {
      payload = in.nioBuffer(in.readerIndex(), bytes);
      in.skipBytes(bytes);
    } else {
      if (payload == null) {
        payload = ByteBuffer.allocate(bytes);
        gathered = payload;
      }
      if (!gather(in, payload)) {
        return;
      }
      payload.flip();
      gathered = null;
    }
    state = State.HEADER;
    handler.frame(stream, header.type(), payload);
  }

  private void readChunkHead(ByteBuf in) throws WireException {
    ByteBuffer head = chunkHead();
    if (!gather(in, head)) {
      return;
    }
    if (head.limit() == ChunkHeader.BYTES) {
      int whole = ChunkHeader.headBytes(head.duplicate().position(0), header.payloadBytes());
      if (whole > ChunkHeader.BYTES) {
        head.limit(whole);
        return;
      }
    }
    head.flip();
    ChunkHeader chunk = ChunkHeader.read(head);
    dataBytes = chunk.dataBytes();
    dataOffset = 0;
    sink = handler.chunk(stream, chunk);
    if (sink != null) {
      destination = sink.destination();
      if (destination.byteSize() < dataBytes) {
        throw new IllegalStateException(
            "a sink of %d bytes for a chunk of %d".formatted(destination.byteSize(), dataBytes));
      }
    }
    state = State.CHUNK_DATA;
    if (dataBytes == 0) {
      finishChunk();
    }
  }

  private void readChunkData(ByteBuf in) {
    int piece = Math.min(in.readableBytes(), dataBytes - dataOffset);
    ChunkSink filling = sink;
    if (filling != null && filling.wanted()) {
      MemorySegment.copy(
          MemorySegment.ofBuffer(in.nioBuffer(in.readerIndex(), piece)),
          0,
          destination,
          dataOffset,
          piece);
    }
    in.skipBytes(piece);
    dataOffset += piece;
    if (dataOffset == dataBytes) {
      finishChunk();
    }
  }

  private void finishChunk() {
    state = State.HEADER;
    destination = MemorySegment.NULL;
    ChunkSink filled = sink;
    sink = null;
    if (filled != null) {
      filled.complete();
    }
  }

  private ByteBuffer chunkHead() {
    ByteBuffer head = chunkHead;
    if (head == null) {
      head =
          ByteBuffer.allocate(ChunkHeader.BYTES + Limits.GROUPS_PER_CHUNK * ChunkHeader.HASH_BYTES);
      chunkHead = head;
    }
    return head;
  }

  /** Moves bytes until {@code target} is full; says whether it is. */
  private static boolean gather(ByteBuf in, ByteBuffer target) {
    int piece = Math.min(in.readableBytes(), target.remaining());
    int end = target.limit();
    target.limit(target.position() + piece);
    in.readBytes(target);
    target.limit(end);
    return !target.hasRemaining();
  }
}
