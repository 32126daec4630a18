package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.mount.HostLink.State;
import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.Pending;
import io.wormhole.daemon.transport.PendingRead;
import io.wormhole.daemon.transport.Requests;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class HostLinkTest {
  private static final long SECOND = 1_000_000_000L;

  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5 * SECOND);
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private volatile boolean urgently;
  private final BlockingQueue<CompletableFuture<Lanes>> dials = new LinkedBlockingQueue<>();
  private final Pair first = new Pair();
  private final HostLink link = new HostLink(first.lanes(), this::dial, timer, clock::get);

  @AfterEach
  void close() {
    link.close();
    timer.shutdownNow();
  }

  private CompletableFuture<Lanes> dial(boolean urgent) {
    urgently = urgent;
    CompletableFuture<Lanes> dial = new CompletableFuture<>();
    dials.add(dial);
    return dial;
  }

  private CompletableFuture<Lanes> nextDial() throws InterruptedException {
    CompletableFuture<Lanes> dial = dials.poll(10, TimeUnit.SECONDS);
    assertThat(dial).as("a dial").isNotNull();
    return dial;
  }

  private Lanes await() throws Exception {
    return link.await(clock.get() + 30 * SECOND);
  }

  private static void assertErrno(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, Errno errno) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ErrnoException.class, failed -> assertThat(failed.errno()).isEqualTo(errno));
  }

  /** Requests that are answered when the test says so. */
  private static final class Scripted implements Requests {
    final IdleLane lane = new IdleLane();
    final BlockingQueue<CompletableFuture<Reply>> asked = new LinkedBlockingQueue<>();
    Runnable quiet = () -> {};

    @Override
    public CompletableFuture<Reply> call(Request.Builder request, Duration deadline) {
      assertThat(request.hasPing()).isTrue();
      CompletableFuture<Reply> answer = new CompletableFuture<>();
      asked.add(answer);
      return answer;
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
      return lane;
    }

    @Override
    public void whenQuiet(Runnable listener) {
      quiet = listener;
    }
  }

  private static final class Pair {
    final Scripted control = new Scripted();
    final Scripted bulk = new Scripted();

    Lanes lanes() {
      return new Lanes(control, bulk);
    }
  }

  private void pingIsNotAnswered(Pair pair) {
    pair.bulk.quiet.run();
    pair.bulk.asked.remove().completeExceptionally(new TimeoutException("3 s"));
  }

  @Test
  void lanesThatAnswerAreGivenAtOnce() throws Exception {
    assertThat(await()).isEqualTo(first.lanes());
    assertThat(link.state()).isEqualTo(State.CONNECTED);
    assertThat(link.trouble()).isEmpty();
  }

  @Test
  void bothLanesAreMadeAnewWhenOneIsLostAndWhoWaitsGetsThem() throws Exception {
    first.bulk.lane.bytesReceived = 100;
    first.bulk.lane.lost();
    assertThat(first.control.lane.isClosed()).isTrue();
    assertThat(link.state()).isEqualTo(State.RECONNECTING);
    assertThat(link.trouble()).contains("it went silent");
    CompletableFuture<Lanes> waiting =
        CompletableFuture.supplyAsync(() -> {
          try {
            return await();
          } catch (Exception failed) {
            throw new AssertionError(failed);
          }
        });
    Pair second = new Pair();
    second.bulk.lane.bytesReceived = 11;
    nextDial().complete(second.lanes());
    assertThat(waiting.get(10, TimeUnit.SECONDS)).isEqualTo(second.lanes());
    assertThat(link.state()).isEqualTo(State.CONNECTED);
    assertThat(link.bytesReceived()).isEqualTo(111);
    assertThat(dials).isEmpty();
  }

  @Test
  void silentLanesAreDialledBesideAndTheFirstThatAnswerWin() throws Exception {
    pingIsNotAnswered(first);
    assertThat(link.state()).isEqualTo(State.RECONNECTING);
    assertThat(await()).as("the old ones may answer yet").isEqualTo(first.lanes());
    Pair second = new Pair();
    nextDial().complete(second.lanes());
    assertThat(await()).isEqualTo(second.lanes());
    assertThat(first.control.lane.isClosed()).isTrue();
    assertThat(first.bulk.lane.isClosed()).isTrue();
    assertThat(second.control.lane.isClosed()).isFalse();
  }

  @Test
  void newLanesAreDroppedWhenTheOldOnesAnswerFirst() throws Exception {
    pingIsNotAnswered(first);
    CompletableFuture<Lanes> dial = nextDial();
    first.control.quiet.run();
    first.control.asked.remove().complete(Reply.getDefaultInstance());
    assertThat(link.state()).as("the other one is silent").isEqualTo(State.RECONNECTING);
    first.bulk.quiet.run();
    first.bulk.asked.remove().complete(Reply.getDefaultInstance());
    assertThat(link.state()).isEqualTo(State.CONNECTED);
    Pair late = new Pair();
    dial.complete(late.lanes());
    assertThat(late.control.lane.isClosed()).isTrue();
    assertThat(late.bulk.lane.isClosed()).isTrue();
    assertThat(await()).isEqualTo(first.lanes());
  }

  @Test
  void oneProbeAtATime() {
    first.control.quiet.run();
    first.bulk.quiet.run();
    assertThat(first.control.asked).hasSize(1);
  }

  @Test
  void hostIsDialledAgainUntilItAnswers() throws Exception {
    first.control.lane.lost();
    for (int i = 0; i < 3; i++) {
      nextDial().completeExceptionally(new IOException("nobody there"));
      assertThat(urgently).isTrue();
    }
    Pair second = new Pair();
    nextDial().complete(second.lanes());
    assertThat(await()).isEqualTo(second.lanes());
  }

  @Test
  void hostWithoutAnAnswerForHalfAMinuteIsAwayAndCallersFailSoon() throws Exception {
    first.control.lane.lost();
    CompletableFuture<Lanes> dial = nextDial();
    clock.addAndGet(HostLink.AWAY.toNanos());
    assertThat(link.state()).isEqualTo(State.OFFLINE);
    assertErrno(this::await, Errno.EIO);
    Pair second = new Pair();
    dial.complete(second.lanes());
    assertThat(await()).isEqualTo(second.lanes());
  }

  @Test
  void hostThatSaidGoodbyeIsAwayAtOnceAndComesBack() throws Exception {
    first.control.lane.closedByPeer(CloseReason.GOODBYE);
    assertThat(link.state()).isEqualTo(State.OFFLINE);
    CompletableFuture<Lanes> dial = nextDial();
    assertThat(urgently).isFalse();
    assertErrno(this::await, Errno.EIO);
    Pair second = new Pair();
    dial.complete(second.lanes());
    assertThat(await()).isEqualTo(second.lanes());
    assertThat(link.state()).isEqualTo(State.CONNECTED);
  }

  @Test
  void callerSetsOffADialOfAHostThatIsAway() throws Exception {
    first.control.lane.closedByPeer(CloseReason.GOODBYE);
    // The pause after the ninth failure is half a minute at least.
    for (int i = 0; i < 3; i++) {
      nextDial().completeExceptionally(new IOException("nobody there"));
    }
    CompletableFuture<Lanes> scheduled = nextDial();
    scheduled.completeExceptionally(new IOException("nobody there"));
    clock.addAndGet(10 * SECOND);
    assertErrno(this::await, Errno.EIO);
    assertThat(nextDial()).isNotNull();
  }

  @Test
  void revokedPeerIsDeniedAndDialsNoMore() throws Exception {
    first.control.lane.closedByPeer(CloseReason.REVOKED);
    assertErrno(this::await, Errno.EACCES);
    assertThat(link.state()).isEqualTo(State.OFFLINE);
    assertThat(dials).isEmpty();
  }

  @Test
  void hostThatDoesNotKnowUsAnyMoreIsDialledNoMore() throws Exception {
    first.control.lane.lost();
    nextDial().completeExceptionally(new NotAdmittedException("no grant", new IOException()));
    assertErrno(this::await, Errno.EACCES);
    assertThat(link.trouble()).contains("no grant");
  }

  @Test
  void closedLinkFailsWhoWaitsAndDropsWhatComesLate() throws Exception {
    first.control.lane.lost();
    CompletableFuture<Lanes> dial = nextDial();
    link.close();
    assertErrno(this::await, Errno.EIO);
    Pair late = new Pair();
    dial.complete(late.lanes());
    assertThat(late.control.lane.isClosed()).isTrue();
  }

  @Test
  void failureOnLanesThatAreGoneChangesNothing() throws Exception {
    first.control.lane.lost();
    Pair second = new Pair();
    nextDial().complete(second.lanes());
    link.lost(
        first.lanes(), new LaneException(LaneException.Kind.UNREACHABLE, CloseReason.DONE, "late"));
    assertThat(await()).isEqualTo(second.lanes());
  }

  @Test
  void callWhoseTimeIsOverIsNotBegun() {
    assertErrno(() -> link.await(clock.get()), Errno.ETIMEDOUT);
  }
}
