package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.WireException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Keeps every frame and chunk of a stream. */
final class Recorder implements FrameHandler {
  /** A frame's type and payload, or a chunk's header and data. */
  @SuppressWarnings("ArrayRecordComponent")
  record Seen(FrameType type, byte[] payload) {}

  final BlockingQueue<Seen> seen = new LinkedBlockingQueue<>();
  final CompletableFuture<FrameStream> stream = new CompletableFuture<>();
  final CompletableFuture<LaneException> ended = new CompletableFuture<>();

  Seen next() throws InterruptedException {
    Seen next = seen.poll(Wire.SOON.toSeconds(), TimeUnit.SECONDS);
    assertThat(next).as("a frame; why the stream ended: %s", ended).isNotNull();
    return next;
  }

  @Override
  public void frame(FrameStream from, FrameType type, ByteBuffer payload) {
    stream.complete(from);
    byte[] bytes = new byte[payload.remaining()];
    payload.get(bytes);
    seen.add(new Seen(type, bytes));
  }

  @Override
  public ChunkSink chunk(FrameStream from, ChunkHeader header) throws WireException {
    stream.complete(from);
    MemorySegment memory = Arena.ofAuto().allocate(Math.max(1, header.dataBytes()));
    return new ChunkSink() {
      @Override
      public MemorySegment destination() {
        return memory;
      }

      @Override
      public void complete() {
        seen.add(
            new Seen(
                FrameType.CHUNK,
                memory.asSlice(0, header.dataBytes()).toArray(ValueLayout.JAVA_BYTE)));
      }

      @Override
      public void failed(LaneException why) {
        seen.add(new Seen(FrameType.REFUSAL, new byte[0]));
      }
    };
  }

  @Override
  public void ended(FrameStream from, LaneException why) {
    ended.complete(why);
  }
}
