package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.MessageLite;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.message.Cancel;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Chunks that wait to leave, and whoever wanted them has gone. */
class LeavingAnswerTest {
  private static final int BYTES = 5000;
  private static final int LONG_MILLIS = 60_000;

  private final Slow stream = new Slow();
  private final FrameHandler served =
      new RequestServer(
              (request, to) ->
                  to.chunk(
                      new ChunkHeader(0, BYTES, false, new byte[32], new byte[0]),
                      to.allocate(BYTES)),
              Runnable::run,
              1)
          .stream();

  /** Nothing leaves it until it is told so. */
  private static final class Slow extends IdleStream {
    private final Deque<Turn> waiting = new ArrayDeque<>();
    private final List<Long> ids = new ArrayList<>();
    private final List<Reply> replies = new ArrayList<>();

    /** What leaves next; null for the chunk that waits. */
    @Nullable Reply next() {
      return Objects.requireNonNull(waiting.poll()).instead();
    }

    @Override
    public void send(FrameType type, MessageLite message, Turn turn) {
      replies.add((Reply) message);
    }

    @Override
    public Outbound allocate(int bytes) {
      return new Outbound() {
        @Override
        public MemorySegment data() {
          return Arena.ofAuto().allocate(bytes);
        }

        @Override
        public void release() {}
      };
    }

    @Override
    public void send(ChunkHeader header, Outbound data, Turn turn) {
      ids.add(header.requestId());
      waiting.add(turn);
    }

    @Override
    public boolean withdraw(Turn turn) {
      return waiting.remove(turn);
    }
  }

  private void send(Request.Builder request) throws Exception {
    served.frame(stream, FrameType.REQUEST, ByteBuffer.wrap(request.build().toByteArray()));
  }

  private void read(long id, int deadlineMillis) throws Exception {
    send(
        Request.newBuilder()
            .setId(id)
            .setDeadlineMillis(deadlineMillis)
            .setReadFile(ReadFile.newBuilder().setHandle(1).setLength(BYTES)));
  }

  private void cancel(long id, long of) throws Exception {
    send(
        Request.newBuilder()
            .setId(id)
            .setDeadlineMillis(LONG_MILLIS)
            .setCancel(Cancel.newBuilder().setId(of)));
  }

  @Test
  void chunkThatIsWantedLeaves() throws Exception {
    read(1, LONG_MILLIS);

    assertThat(stream.next()).isNull();
    assertThat(stream.ids).containsExactly(1L);
  }

  @Test
  void inThePlaceOfOneThatIsCancelledLeavesAWordAtOnce() throws Exception {
    read(1, LONG_MILLIS);
    read(2, LONG_MILLIS);
    read(3, LONG_MILLIS);
    cancel(4, 2);

    Reply word = stream.replies.getFirst();
    assertThat(word.getId()).isEqualTo(2);
    assertThat(word.getFailure().getCode()).isEqualTo(FailureCode.FAILURE_CODE_CANCELLED);
    assertThat(stream.waiting).hasSize(2);
    assertThat(stream.next()).isNull();
    assertThat(stream.next()).isNull();
    assertThat(stream.replies).hasSize(1);
  }

  @Test
  void inThePlaceOfOneThatIsLateLeavesAWord() throws Exception {
    read(1, 500);
    Thread.sleep(510);

    Reply instead = stream.next();
    assertThat(instead).isNotNull();
    assertThat(instead.getFailure().getCode()).isEqualTo(FailureCode.FAILURE_CODE_TOO_LATE);
  }

  @Test
  void cancelOfOneThatHasLeftChangesNothing() throws Exception {
    read(1, LONG_MILLIS);
    FrameStream.Turn first = stream.waiting.getFirst();
    assertThat(stream.next()).isNull();
    cancel(2, 1);

    assertThat(stream.replies).isEmpty();
    assertThat(first.instead()).as("it was not told").isNull();
  }

  @Test
  void cancelAfterTheStreamHasEndedHarmsNobody() throws Exception {
    read(1, LONG_MILLIS);
    served.ended(
        stream, new LaneException(LaneException.Kind.CLOSED_HERE, CloseReason.DONE, "it is over"));
    cancel(2, 1);

    assertThat(stream.replies).isEmpty();
    assertThat(stream.next()).isNull();
  }
}
