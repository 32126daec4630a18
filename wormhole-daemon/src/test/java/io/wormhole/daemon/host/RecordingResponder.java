package io.wormhole.daemon.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.wormhole.daemon.transport.Outbound;
import io.wormhole.daemon.transport.Responder;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.Reply;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Keeps the one answer of a request, and counts the memory nobody gave back. */
final class RecordingResponder implements Responder {
  private final AtomicInteger outstanding = new AtomicInteger();
  private final boolean abandoned;
  private @Nullable Object answer;
  private byte[] data = {};

  RecordingResponder() {
    this(false);
  }

  RecordingResponder(boolean abandoned) {
    this.abandoned = abandoned;
  }

  @Override
  public void reply(Reply.Builder reply) {
    record(reply.build());
  }

  @Override
  public void fail(FailureCode code) {
    record(code);
  }

  @Override
  public Outbound allocate(int bytes) {
    outstanding.incrementAndGet();
    Arena arena = Arena.ofConfined();
    MemorySegment memory = arena.allocate(bytes);
    return new Outbound() {
      @Override
      public MemorySegment data() {
        return memory;
      }

      @Override
      public void release() {
        // Closing an arena twice throws: so does releasing twice.
        arena.close();
        outstanding.decrementAndGet();
      }
    };
  }

  @Override
  public void chunk(ChunkHeader header, Outbound bytes) {
    record(header);
    if (bytes.data().byteSize() != header.dataBytes()) {
      throw new AssertionError("header and memory differ in length");
    }
    data = bytes.data().toArray(JAVA_BYTE);
    bytes.release();
  }

  @Override
  public boolean abandoned() {
    return abandoned;
  }

  /** Whatever it was answered with; null when it was not. */
  @Nullable Object answered() {
    return answer;
  }

  /** The reply, or an error if it was answered otherwise. */
  Reply reply() {
    return answer(Reply.class);
  }

  FailureCode failure() {
    return answer(FailureCode.class);
  }

  ChunkHeader chunk() {
    return answer(ChunkHeader.class);
  }

  boolean isChunk() {
    return answer instanceof ChunkHeader;
  }

  byte[] data() {
    return data;
  }

  int outstandingBuffers() {
    return outstanding.get();
  }

  private <T> T answer(Class<T> type) {
    if (!type.isInstance(answer)) {
      throw new AssertionError("answered with " + answer);
    }
    return type.cast(answer);
  }

  private void record(Object what) {
    if (answer != null) {
      throw new AssertionError("answered twice");
    }
    answer = what;
  }
}
