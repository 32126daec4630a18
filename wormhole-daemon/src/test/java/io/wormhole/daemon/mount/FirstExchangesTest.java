package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.Pending;
import io.wormhole.daemon.transport.PendingRead;
import io.wormhole.daemon.transport.Requests;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class FirstExchangesTest {
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 10);
  private final Slow control = new Slow();
  private final Slow bulk = new Slow();
  private final FirstExchanges exchanges = new FirstExchanges(List.of(control, bulk), clock::get);

  /** Answers when it is told to. */
  private static final class Slow implements Requests {
    final Queue<CompletableFuture<Reply>> open = new ArrayDeque<>();
    int asked;

    @Override
    public CompletableFuture<Reply> call(Request.Builder request, Duration deadline) {
      assertThat(request.hasGetAttributes()).isTrue();
      asked++;
      CompletableFuture<Reply> answer = new CompletableFuture<>();
      open.add(answer);
      return answer;
    }

    boolean answer() {
      CompletableFuture<Reply> next = open.poll();
      return next != null && next.complete(Reply.getDefaultInstance());
    }

    @Override
    public Pending<Reply> ask(Request.Builder request, Duration deadline) {
      return new PlainPending<>(call(request, deadline));
    }

    @Override
    public PendingRead read(Request.Builder request, MemorySegment to, Duration deadline) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Lane lane() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void whenQuiet(Runnable listener) {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void oneAtATimeInTurnsAndAHundredAtMost() {
    exchanges.next();
    for (int i = 0; i < 50; i++) {
      assertThat(bulk.open).isEmpty();
      assertThat(control.answer()).isTrue();
      assertThat(control.open).isEmpty();
      assertThat(bulk.answer()).isTrue();
    }
    assertThat(control.asked + bulk.asked).isEqualTo(100);
    assertThat(control.open).isEmpty();
  }

  @Test
  void endWhenTheirTimeIsOver() {
    exchanges.next();
    clock.addAndGet(Duration.ofMillis(500).toNanos());
    control.answer();
    assertThat(control.asked + bulk.asked).isEqualTo(1);
  }

  @Test
  void endWithTheLane() {
    exchanges.next();
    control
        .open
        .remove()
        .completeExceptionally(
            new LaneException(LaneException.Kind.CLOSED_BY_PEER, CloseReason.GOODBYE, "gone"));
    assertThat(control.asked + bulk.asked).isEqualTo(1);
  }
}
