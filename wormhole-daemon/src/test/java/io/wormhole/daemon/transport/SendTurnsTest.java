package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.wormhole.daemon.transport.FrameStream.Turn;
import io.wormhole.protocol.wire.message.Done;
import io.wormhole.protocol.wire.message.Reply;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Large frames of several streams, over codecs that take what they are given when told to. */
class SendTurnsTest {
  private static final int LARGE_BYTES = 100_000;
  private static final int SMALL_BYTES = 100;

  private final SendTurns turns = new SendTurns();
  private final List<String> written = new ArrayList<>();
  private final Stream a = new Stream("a");
  private final Stream b = new Stream("b");

  private final class Stream extends ChannelOutboundHandlerAdapter {
    private final String name;
    private final List<ChannelPromise> withCodec = new ArrayList<>();
    private final EmbeddedChannel channel = new EmbeddedChannel(this);
    private final SendQueue queue = new SendQueue(channel, turns, () -> {}, () -> {});

    Stream(String name) {
      this.name = name;
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
      ByteBuf frame = (ByteBuf) message;
      written.add(name + frame.readableBytes());
      frame.release();
      withCodec.add(promise);
    }

    ByteBuf add(int bytes, Turn turn) {
      ByteBuf frame = Unpooled.buffer(bytes).writeZero(bytes);
      if (bytes == SMALL_BYTES) {
        queue.add(frame);
      } else {
        queue.addLarge(frame, turn);
      }
      channel.runPendingTasks();
      return frame;
    }

    void taken() {
      withCodec.removeFirst().setSuccess();
      channel.runPendingTasks();
    }
  }

  @Test
  void oneAtATimeIsWithTheCodecs() {
    a.add(LARGE_BYTES, Turn.WAITED_FOR);
    b.add(LARGE_BYTES + 1, Turn.WAITED_FOR);
    a.add(LARGE_BYTES + 2, Turn.WAITED_FOR);

    assertThat(written).containsExactly("a100000");
    a.taken();
    assertThat(written).containsExactly("a100000", "b100001");
    b.taken();
    assertThat(written).containsExactly("a100000", "b100001", "a100002");
    a.taken();
    assertThat(a.queue.queuedBytes()).isZero();
    assertThat(b.queue.queuedBytes()).isZero();
  }

  @Test
  void whatIsWaitedForGoesBeforeWhatIsReadAhead() {
    a.add(LARGE_BYTES, Turn.READ_AHEAD);
    a.add(LARGE_BYTES + 1, Turn.READ_AHEAD);
    b.add(LARGE_BYTES + 2, Turn.WAITED_FOR);

    a.taken();
    b.taken();

    assertThat(written).containsExactly("a100000", "b100002", "a100001");
  }

  @Test
  void smallOneIsNotHeldUp() {
    a.add(LARGE_BYTES, Turn.WAITED_FOR);
    b.add(LARGE_BYTES, Turn.WAITED_FOR);
    b.add(SMALL_BYTES, Turn.READ_AHEAD);

    assertThat(written).containsExactly("a100000", "b100");
  }

  @Test
  void whatIsReadAheadLeavesThoughSomebodyAlwaysWaits() {
    a.add(LARGE_BYTES, Turn.WAITED_FOR);
    b.add(LARGE_BYTES + 1, Turn.READ_AHEAD);
    for (int i = 0; i < 10; i++) {
      a.add(LARGE_BYTES, Turn.WAITED_FOR);
      a.taken();
      if (written.contains("b100001")) {
        break;
      }
    }

    assertThat(written).contains("b100001");
    b.taken();
    assertThat(written).last().isEqualTo("a100000");
  }

  @Test
  void whatIsTakenBackDoesNotLeave() {
    a.add(LARGE_BYTES, Turn.WAITED_FOR);
    Turn unwanted = () -> true;
    ByteBuf frame = b.add(LARGE_BYTES, unwanted);

    assertThat(b.queue.withdraw(() -> true)).isFalse();
    assertThat(b.queue.withdraw(unwanted)).isTrue();
    assertThat(b.queue.withdraw(unwanted)).isFalse();
    assertThat(frame.refCnt()).isZero();
    assertThat(b.queue.queuedBytes()).isZero();
    a.taken();
    assertThat(written).containsExactly("a100000");
  }

  @Test
  void turnGoesOnThoughOneThatHasItFails() {
    ByteBuf failing =
        a.add(
            LARGE_BYTES,
            new Turn() {
              @Override
              public boolean isReadAhead() {
                return false;
              }

              @Override
              public @Nullable Reply instead() {
                throw new IllegalStateException("a fault");
              }
            });
    b.add(LARGE_BYTES, Turn.WAITED_FOR);

    assertThat(written).containsExactly("b100000");
    assertThat(failing.refCnt()).isZero();
    assertThat(a.queue.queuedBytes()).isZero();
  }

  @Test
  void whatIsNotWantedAnyMoreIsReplaced() {
    a.add(LARGE_BYTES, Turn.WAITED_FOR);
    ByteBuf unwanted =
        b.add(
            LARGE_BYTES,
            new Turn() {
              @Override
              public boolean isReadAhead() {
                return false;
              }

              @Override
              public @Nullable Reply instead() {
                return Reply.newBuilder().setId(1).setDone(Done.getDefaultInstance()).build();
              }
            });

    a.taken();

    assertThat(written).last().isNotEqualTo("b100000");
    assertThat(unwanted.refCnt()).isZero();
    b.taken();
    assertThat(b.queue.queuedBytes()).isZero();
  }

  @Test
  void streamThatEndsGivesUpItsTurnAndItsFrames() {
    a.add(LARGE_BYTES, Turn.WAITED_FOR);
    ByteBuf waiting = a.add(LARGE_BYTES, Turn.WAITED_FOR);
    b.add(LARGE_BYTES, Turn.WAITED_FOR);

    a.queue.discard();
    a.withCodec.removeFirst().setFailure(new IOException("the stream has ended"));

    assertThat(written).containsExactly("a100000", "b100000");
    assertThat(waiting.refCnt()).isZero();
    assertThat(a.queue.queuedBytes()).isZero();
  }

  @Test
  void streamThatTakesNothingIsPassedOver() {
    b.channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
    b.add(LARGE_BYTES, Turn.WAITED_FOR);
    a.add(LARGE_BYTES, Turn.READ_AHEAD);

    assertThat(written).containsExactly("a100000");
    b.channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
    a.taken();
    assertThat(written).containsExactly("a100000", "b100000");
  }
}
