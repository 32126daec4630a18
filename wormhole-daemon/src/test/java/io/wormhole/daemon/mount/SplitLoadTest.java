package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.cache.Arrival;
import io.wormhole.cache.Part;
import io.wormhole.cache.PendingLoad;
import io.wormhole.protocol.wire.message.Priority;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class SplitLoadTest {
  private static final int BYTES = 131_072;
  private static final byte[] HASH = new byte[32];

  /** In the order in which they were begun. */
  private final List<Asked> asked = new ArrayList<>();

  private final List<Part> told = new ArrayList<>();

  /** One read of the host. */
  private static final class Asked implements PendingLoad {
    private final int from;
    private final int to;
    private final Priority priority;
    private final CompletableFuture<Arrival> arrival = new CompletableFuture<>();
    private boolean hurried;
    private boolean cancelled;

    Asked(int from, int to, Priority priority) {
      this.from = from;
      this.to = to;
      this.priority = priority;
    }

    void arrive() {
      arrival.complete(new Arrival(to - from, HASH, HASH, false));
    }

    @Override
    public CompletableFuture<Arrival> arrival() {
      return arrival;
    }

    @Override
    public void hurry() {
      hurried = true;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }

    @Override
    public String toString() {
      return from + "-" + to + (priority == Priority.PRIORITY_WAITING ? " waiting" : " ahead");
    }
  }

  private SplitLoad load(int from, int to) {
    SplitLoad load =
        new SplitLoad(
            BYTES,
            from,
            to,
            (begin, end, priority) -> {
              Asked read = new Asked(begin, end, priority);
              asked.add(read);
              return read;
            });
    load.onPart(told::add);
    return load;
  }

  private static List<Integer> places(Arrival whole) {
    return whole.parts().stream().map(Part::offset).toList();
  }

  @Test
  void whatIsWaitedForGoesFirstAndWhatStandsBeforeItLast() {
    SplitLoad load = load(32_768, 65_536);
    assertThat(asked.toString()).isEqualTo("[32768-65536 waiting, 65536-131072 ahead]");
    asked.get(0).arrive();
    assertThat(told).extracting(Part::offset).containsExactly(32_768);
    assertThat(asked.get(2)).hasToString("0-32768 ahead");
    asked.get(2).arrive();
    assertThat(load.arrival()).isNotDone();
    asked.get(1).arrive();
    assertThat(load.arrival())
        .isCompletedWithValueMatching(whole -> whole.length() == BYTES)
        .isCompletedWithValueMatching(whole -> places(whole).equals(List.of(0, 32_768, 65_536)));
    assertThat(told).hasSize(1);
  }

  @Test
  void theBeginningOfAChunkHasNothingBeforeIt() {
    SplitLoad load = load(0, 16_384);
    asked.get(0).arrive();
    asked.get(1).arrive();
    assertThat(asked).hasSize(2);
    assertThat(load.arrival()).isCompletedWithValueMatching(whole -> whole.length() == BYTES);
  }

  @Test
  void theEndOfAChunkHasNothingBehindIt() {
    SplitLoad load = load(114_688, BYTES);
    assertThat(asked).hasSize(1);
    asked.get(0).arrive();
    assertThat(asked.get(1)).hasToString("0-114688 ahead");
    asked.get(1).arrive();
    assertThat(load.arrival()).isCompletedWithValueMatching(whole -> whole.length() == BYTES);
  }

  @Test
  void aPartThatComesLastIsNoPartBeforeTheRest() {
    SplitLoad load = load(0, 16_384);
    asked.get(1).arrive();
    asked.get(0).arrive();
    assertThat(told).isEmpty();
    assertThat(load.arrival()).isCompletedWithValueMatching(whole -> whole.parts().size() == 2);
  }

  @Test
  void whoListensLateIsToldAtOnceAndOnce() {
    SplitLoad load =
        new SplitLoad(
            BYTES,
            0,
            16_384,
            (begin, end, priority) -> {
              Asked read = new Asked(begin, end, priority);
              asked.add(read);
              if (begin == 0) {
                read.arrive();
              }
              return read;
            });
    load.onPart(told::add);
    assertThat(told).extracting(Part::offset).containsExactly(0);
    asked.get(1).arrive();
    assertThat(told).hasSize(1);
  }

  @Test
  void itEndsOnlyWhenNoReadIsUnderWay() {
    SplitLoad load = load(32_768, 65_536);
    IOException why = new IOException("changed");
    asked.get(1).arrival.completeExceptionally(why);
    assertThat(asked.get(0).cancelled).as("it is waited for").isFalse();
    assertThat(load.arrival()).as("its memory may be written to").isNotDone();
    asked.get(0).arrive();
    assertThat(told).extracting(Part::offset).containsExactly(32_768);
    assertThat(load.arrival()).isCompletedExceptionally();
    assertThat(load.arrival().exceptionNow()).isSameAs(why);
    assertThat(asked).hasSize(2);
  }

  @Test
  void withoutThePartThatIsWaitedForTheRestIsNotWanted() {
    SplitLoad load = load(32_768, 65_536);
    IOException why = new IOException("changed");
    asked.get(0).arrival.completeExceptionally(why);
    assertThat(asked.get(1).cancelled).isTrue();
    assertThat(load.arrival()).isNotDone();
    asked.get(1).arrive();
    assertThat(load.arrival().exceptionNow()).isSameAs(why);
    assertThat(asked).hasSize(2);
    assertThat(told).isEmpty();
  }

  @Test
  void itDoesNotEndWhileSomebodyIsToldOfThePart() {
    SplitLoad load = load(114_688, BYTES);
    List<Boolean> ended = new ArrayList<>();
    load.onPart(_ -> {
      load.cancel();
      ended.add(load.arrival().isDone());
    });
    asked.get(0).arrive();
    assertThat(ended).containsExactly(false);
    assertThat(load.arrival()).isCompletedExceptionally();
  }

  @Test
  void whatIsBegunAfterAHurryIsHurried() {
    SplitLoad load = load(32_768, 65_536);
    load.onPart(_ -> load.hurry());
    asked.get(0).arrive();
    assertThat(asked.get(2).hurried || asked.get(2).priority == Priority.PRIORITY_WAITING).isTrue();
    load.cancel();
    load.hurry();
    assertThat(asked).hasSize(3).allMatch(read -> read.cancelled);
  }

  @Test
  void cancelledItAsksForNothingMore() {
    SplitLoad load = load(32_768, 65_536);
    load.cancel();
    assertThat(asked).allMatch(read -> read.cancelled);
    asked.get(0).arrive();
    assertThat(load.arrival()).isNotDone();
    asked.get(1).arrival.completeExceptionally(new CompletionException(new IOException("gone")));
    assertThat(load.arrival()).isCompletedExceptionally();
    assertThat(asked).hasSize(2);
  }

  @Test
  void cancelledAfterAllHasComeItHasCome() {
    SplitLoad load = load(0, 16_384);
    load.cancel();
    asked.forEach(Asked::arrive);
    assertThat(load.arrival()).isCompletedWithValueMatching(whole -> whole.length() == BYTES);
  }

  @Test
  void hurriedItAsksForAllAtOnce() {
    SplitLoad load = load(32_768, 65_536);
    load.hurry();
    assertThat(asked.get(2)).hasToString("0-32768 waiting");
    assertThat(asked).allMatch(read -> read.hurried);
    asked.forEach(Asked::arrive);
    assertThat(asked).hasSize(3);
    assertThat(load.arrival()).isCompletedWithValueMatching(whole -> whole.length() == BYTES);
  }

  @Test
  void aReadThatCannotBeBegunFailsItWhenTheOtherHasEnded() {
    SplitLoad load =
        new SplitLoad(
            BYTES,
            0,
            16_384,
            (begin, end, priority) -> {
              if (begin > 0) {
                throw new IllegalStateException("no lane");
              }
              Asked read = new Asked(begin, end, priority);
              asked.add(read);
              return read;
            });
    assertThat(load.arrival()).isNotDone();
    asked.get(0).arrive();
    assertThat(load.arrival()).isCompletedExceptionally();
  }
}
