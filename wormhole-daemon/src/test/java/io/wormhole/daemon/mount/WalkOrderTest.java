package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.mount.WalkOrder.Step;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class WalkOrderTest {
  private static final int FIRST = 4;
  private static final int MOST = 64;

  private static List<byte[]> names(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> "%05d".formatted(i).getBytes(StandardCharsets.US_ASCII))
        .toList();
  }

  private static long[] ones(int count) {
    long[] costs = new long[count];
    Arrays.fill(costs, 1);
    return costs;
  }

  private static WalkOrder order(List<byte[]> names) {
    return new WalkOrder(names, ones(names.size()), FIRST, MOST);
  }

  @Test
  void oneEntryCausesNothing() {
    WalkOrder order = order(names(100));

    assertThat(order.wanted(50)).isEqualTo(Step.NOTHING);
  }

  @Test
  void theSecondInOrderIsAskedForWithThoseBehindIt() {
    WalkOrder order = order(names(100));
    order.wanted(0);

    assertThat(order.wanted(1).fetch()).containsExactly(1, 2, 3, 4, 5);
  }

  @Test
  void whatWasWantedBeforeItIsKnownCounts() {
    WalkOrder order = order(names(100));
    order.wasWanted(0);

    assertThat(order.wanted(1).fetch()).containsExactly(1, 2, 3, 4, 5);
  }

  @Test
  void entriesFarApartCauseNothingHoweverMany() {
    WalkOrder order = order(names(1000));

    for (int entry = 0; entry < 1000; entry += 50) {
      assertThat(order.wanted(entry).fetch()).as("entry %d", entry).isEmpty();
    }
  }

  @Test
  void theOrderOfNamesIsFollowedWhereThatFits() {
    List<byte[]> shuffled = new ArrayList<>(names(200));
    Collections.shuffle(shuffled, new Random(7));
    WalkOrder order = order(shuffled);
    List<Integer> byName =
        IntStream.range(0, 200)
            .boxed()
            .sorted((a, b) -> Arrays.compareUnsigned(shuffled.get(a), shuffled.get(b)))
            .toList();

    Set<Integer> asked = new HashSet<>();
    int inVain = 0;
    for (int i = 0; i < 200; i++) {
      inVain += i >= 8 && !asked.contains(byName.get(i)) ? 1 : 0;
      asked.addAll(order.wanted(byName.get(i)).fetch());
    }
    assertThat(inVain).isZero();
  }

  /** As memory file systems list: the newest first. */
  @Test
  void theOrderOfNamesIsFollowedThroughAListingThatIsTheOtherWayRound() {
    WalkOrder order = order(names(100).reversed());
    order.wasWanted(99);

    assertThat(order.wanted(98).fetch()).containsExactly(98, 97, 96, 95, 94);
  }

  @Test
  void whichWayTheyGoIsLearntFromWhatWasWantedBeforeAsWell() {
    WalkOrder order = order(names(100).reversed());
    order.wasWanted(99);
    order.wasWanted(98);

    assertThat(order.wanted(97).fetch()).containsExactly(97, 96, 95, 94, 93);
  }

  @Test
  void whoComesFromAFolderReadByNameFindsTheNextOneAskedForByName() {
    WalkOrder order = order(names(100).reversed());
    order.wasWanted(99);
    order.wasWanted(98);
    order.expect(new WalkOrder.Pace(16, true));

    assertThat(order.wanted(97).fetch()).startsWith(97, 96, 95).hasSize(17);
  }

  @Test
  void aFolderIsBegunBeforeAnythingOfItIsWanted() {
    WalkOrder order = order(names(100));
    order.expect(new WalkOrder.Pace(32, false));

    assertThat(order.begin(8)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
    assertThat(order.begin(9)).as("a request for one alone").isEmpty();
    assertThat(order.begin(12)).containsExactly(8, 9, 10, 11);
    assertThat(order.wanted(0).fetch()).doesNotContain(0, 11).startsWith(12);
  }

  @Test
  void whatIsLeftOfTheWindowIsSpareOnceAllIsAskedFor() {
    WalkOrder order = order(names(40));
    order.expect(new WalkOrder.Pace(64, false));
    order.wanted(0);

    assertThat(order.isAllAsked()).isTrue();
    assertThat(order.spare(0)).isEqualTo(48 - 39);
    for (int entry = 1; entry < 30; entry++) {
      order.wanted(entry);
    }
    assertThat(order.ahead()).isEqualTo(10);
    assertThat(order.spare(29)).isEqualTo(48 - 10);
  }

  @Test
  void theWindowGrowsToItsBoundAndAQuarterOfItIsAskedForAtOnce() {
    WalkOrder order = order(names(2000));
    int requests = 0;
    int largest = 0;
    for (int entry = 0; entry < 1000; entry++) {
      List<Integer> fetch = order.wanted(entry).fetch();
      requests += fetch.isEmpty() ? 0 : 1;
      largest = Math.max(largest, fetch.size());
    }
    assertThat(largest).isLessThanOrEqualTo(MOST + 1).isGreaterThanOrEqualTo(MOST / 4);
    assertThat(requests).isLessThan(1000 / (MOST / 4) + 16);
  }

  @Test
  void whoTurnsElsewhereHasWhatWasAskedForDropped() {
    WalkOrder order = order(names(1000));
    Set<Integer> unread = new HashSet<>();
    for (int entry = 0; entry < 20; entry++) {
      unread.addAll(order.wanted(entry).fetch());
      unread.remove(entry);
    }
    order.wanted(500);
    order.wanted(700);

    Step third = order.wanted(900);

    assertThat(unread).isNotEmpty();
    assertThat(third.drop()).containsExactlyInAnyOrderElementsOf(unread);
    assertThat(order.pace()).isNull();
  }

  @Test
  void severalReadersAreFollowedEachInItsPlace() {
    WalkOrder order = order(names(400));
    Set<Integer> asked = new HashSet<>();
    int inVain = 0;
    for (int step = 0; step < 90; step++) {
      for (int reader = 0; reader < 4; reader++) {
        int entry = reader * 100 + step;
        inVain += step >= 8 && !asked.contains(entry) ? 1 : 0;
        asked.addAll(order.wanted(entry).fetch());
      }
    }
    assertThat(inVain).isLessThan(36);
  }

  @Test
  void goingThroughItOnceMoreIsFollowedAgain() {
    WalkOrder order = order(names(100));
    for (int entry = 0; entry < 100; entry++) {
      order.wanted(entry);
    }
    Set<Integer> asked = new HashSet<>();
    for (int entry = 0; entry < 100; entry++) {
      asked.addAll(order.wanted(entry).fetch());
    }
    assertThat(asked).hasSizeGreaterThan(95);
  }

  @Test
  void goingThroughItOnceMoreTheOtherWayIsFollowedToo() {
    WalkOrder order = order(names(100).reversed());
    for (int entry = 0; entry < 100; entry++) {
      order.wanted(entry);
    }
    Set<Integer> asked = new HashSet<>();
    for (int entry = 99; entry >= 0; entry--) {
      asked.addAll(order.wanted(entry).fetch());
    }
    assertThat(asked).hasSizeGreaterThan(90);
  }

  @Test
  void twoWhoGoSideBySideAskForNothingTwice() {
    WalkOrder order = order(names(100));
    List<Integer> asked = new ArrayList<>();
    for (int entry = 0; entry < 100; entry++) {
      asked.addAll(order.wanted(entry).fetch());
      asked.addAll(order.wanted(entry).fetch());
    }
    assertThat(asked).doesNotHaveDuplicates();
  }

  @Test
  void whatIsWantedOverAndOverCausesNothing() {
    WalkOrder order = order(names(100));
    order.wanted(10);
    for (int i = 0; i < 50; i++) {
      assertThat(order.wanted(10)).isEqualTo(Step.NOTHING);
    }
  }

  @Test
  void fewEntriesWantedInTurnsForEverCauseAWindowAtTheMost() {
    WalkOrder order = order(names(1000));
    Set<Integer> asked = new HashSet<>();
    for (int round = 0; round < 100; round++) {
      for (int entry = 10; entry < 14; entry++) {
        Step step = order.wanted(entry);
        asked.addAll(step.fetch());
        step.drop().forEach(asked::remove);
      }
    }
    assertThat(asked).hasSizeLessThanOrEqualTo(4 + FIRST + 3 * 4);
  }

  @Test
  void aLargeEntryIsAskedForAloneWhereTheWindowIsSmaller() {
    WalkOrder order = new WalkOrder(names(10), new long[] {9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, 4, 64);
    order.wanted(0);

    assertThat(order.wanted(1).fetch()).containsExactly(1, 2);
  }

  /** Whatever is wanted: what was asked for in vain is bounded by what was wanted. */
  @Property(tries = 300)
  void littleIsAskedForInVain(
      @ForAll List<@IntRange(max = 299) Integer> starts,
      @ForAll @IntRange(min = 1, max = 6) int run,
      @ForAll @IntRange(min = 1, max = 5) int stride) {
    WalkOrder order = order(names(300));
    Set<Integer> unread = new HashSet<>();
    int wanted = 0;
    int asked = 0;
    for (int start : starts) {
      for (int entry = start; entry < Math.min(300, start + run * stride); entry += stride) {
        Step step = order.wanted(entry);
        assertThat(unread).containsAll(step.drop());
        assertThat(step.drop()).doesNotContain(entry);
        unread.addAll(step.fetch());
        step.drop().forEach(unread::remove);
        unread.remove(entry);
        wanted++;
        asked += step.fetch().size();
        assertThat(asked).isLessThanOrEqualTo(5 * wanted + MOST);
      }
    }
  }
}
