package io.wormhole.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.discovery.Candidates;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TriesTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  private final Map<Integer, CompletableFuture<String>> begun = new ConcurrentHashMap<>();
  private final List<String> dropped = new CopyOnWriteArrayList<>();

  private Tries<String> tries(Duration headStart, int most) {
    return new Tries<>(
        address -> at(address.getPort()),
        dropped::add,
        failure -> failure instanceof IllegalStateException,
        headStart,
        most);
  }

  private CompletableFuture<String> at(int port) {
    return Objects.requireNonNull(begun.get(port));
  }

  private Candidates ports(int count) {
    for (int port = 1; port <= count; port++) {
      begun.put(port, new CompletableFuture<>());
    }
    return Candidates.of(
        IntStream.rangeClosed(1, count)
            .mapToObj(port -> new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
            .toList());
  }

  @Test
  void silentAddressHoldsNobodyUp() throws Exception {
    Candidates candidates = ports(2);
    at(2).complete("second");
    assertThat(tries(Duration.ofMillis(1), 8).first(candidates, LONG)).contains("second");
    assertThat(at(1)).isCancelled();
  }

  @Test
  void whereTheFirstSucceedsNoOtherIsTried() throws Exception {
    Candidates candidates = ports(2);
    at(1).complete("first");
    assertThat(tries(LONG, 8).first(candidates, LONG)).contains("first");
    assertThat(at(2)).isNotDone();
  }

  @Test
  void failureIsFollowedByTheNextAtOnce() throws Exception {
    Candidates candidates = ports(2);
    at(1).completeExceptionally(new IOException("refused"));
    at(2).complete("second");
    assertThat(tries(LONG, 8).first(candidates, LONG)).contains("second");
  }

  @Test
  void whatEachCameToIsKept() throws Exception {
    Candidates candidates = ports(3);
    at(1).completeExceptionally(new IOException("one"));
    at(2).completeExceptionally(new IOException("two"));
    Tries<String> tries = tries(LONG, 2);
    assertThat(tries.first(candidates, LONG)).isEmpty();
    assertThat(tries.failures())
        .extracting(failure -> failure.address().getPort() + " " + failure.why().getMessage())
        .containsExactly("1 one", "2 two");
  }

  @Test
  void nothingIsTriedAfterAFinalFailure() throws Exception {
    Candidates candidates = ports(2);
    at(1).completeExceptionally(new IllegalStateException("wrong code"));
    Tries<String> tries = tries(LONG, 8);
    assertThat(tries.first(candidates, LONG)).isEmpty();
    assertThat(tries.failures()).hasSize(1);
    assertThat(at(2)).isNotDone();
  }

  @Test
  void whereNobodyAnswersInTimeAllAreGivenUp() throws Exception {
    Candidates candidates = ports(2);
    Tries<String> tries = tries(Duration.ofMillis(1), 8);
    assertThat(tries.first(candidates, Duration.ofMillis(50))).isEmpty();
    assertThat(at(1)).isCancelled();
    assertThat(tries.failures()).isEmpty();
  }

  @Test
  void whoStopsWaitingGivesUpWhatIsUnderWay() throws Exception {
    Candidates candidates = ports(1);
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    Thread waiting =
        Thread.ofVirtual()
            .start(() -> {
              try {
                var _ = tries(LONG, 8).first(candidates, LONG);
              } catch (InterruptedException asked) {
                end.complete(asked);
              }
            });
    waiting.interrupt();
    assertThat(end.get(20, TimeUnit.SECONDS)).isInstanceOf(InterruptedException.class);
  }

  @Test
  void whatComesTooLateIsDropped() throws Exception {
    // This try does not heed its cancellation.
    CompletableFuture<String> deaf =
        new CompletableFuture<>() {
          @Override
          public boolean cancel(boolean mayInterrupt) {
            return false;
          }
        };
    Candidates candidates = ports(1);
    begun.put(1, deaf);
    assertThat(tries(Duration.ofMillis(1), 8).first(candidates, Duration.ofMillis(20))).isEmpty();
    deaf.complete("late");
    assertThat(dropped).containsExactly("late");
  }
}
