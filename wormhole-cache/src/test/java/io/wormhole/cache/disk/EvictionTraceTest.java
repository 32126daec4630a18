package io.wormhole.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Ours against plain LRU and plain CLOCK, on days of work: a project of six tenths of the cache
 * that is read on each, files that are browsed, some often and most once, and on one evening
 * footage of ten times the cache that is read through once.
 */
class EvictionTraceTest {
  private static final int PLACES = 20_000;
  private static final int PROJECT = 12_000;
  private static final int BROWSED = 100_000;
  private static final int BROWSED_A_DAY = 20_000;
  private static final int FOOTAGE = 10 * PLACES;
  private static final int DAYS = 6;
  private static final int DAY_OF_FOOTAGE = 3;

  /** Whether what is asked for was there; if not, it is by then. */
  private interface Cache {
    boolean ask(int content);
  }

  private record Hits(double project, double all) {}

  @Test
  void projectOfEveryDaySurvivesFootageThatIsReadOnce() {
    Hits ours = run(new Ours());
    Hits lru = run(new Lru());
    Hits clock = run(new PlainClock());
    String all = "ours %s, LRU %s, CLOCK %s".formatted(ours, lru, clock);
    assertThat(lru.project()).as(all).isLessThan(0.05);
    assertThat(clock.project()).as(all).isLessThan(0.05);
    assertThat(ours.project()).as(all).isGreaterThan(0.8);
    assertThat(ours.all()).as(all).isGreaterThan(Math.max(lru.all(), clock.all()));
  }

  /** Of the project on the day after the footage, and of all on all days. */
  private static Hits run(Cache cache) {
    Random random = new Random(42);
    int asked = 0;
    int hit = 0;
    int projectAsked = 0;
    int projectHit = 0;
    for (int day = 0; day < DAYS; day++) {
      for (int content : day(random, day)) {
        boolean had = cache.ask(content);
        asked++;
        hit += had ? 1 : 0;
        if (day == DAY_OF_FOOTAGE + 1 && content < PROJECT) {
          projectAsked++;
          projectHit += had ? 1 : 0;
        }
      }
    }
    return new Hits((double) projectHit / projectAsked, (double) hit / asked);
  }

  /** Reads of one day: each content of the project once, as L1 and kernel take the rest. */
  private static List<Integer> day(Random random, int day) {
    List<Integer> work = new ArrayList<>();
    for (int i = 0; i < PROJECT; i++) {
      work.add(i);
    }
    for (int i = 0; i < BROWSED_A_DAY; i++) {
      double often = random.nextDouble();
      work.add(PROJECT + (int) (BROWSED * often * often * often));
    }
    Collections.shuffle(work, random);
    for (int i = 0; day == DAY_OF_FOOTAGE && i < FOOTAGE; i++) {
      work.add(1_000_000 + i);
    }
    return work;
  }

  private static final class Ours implements Cache {
    private final ClockEviction clock = new ClockEviction(_ -> {});
    private final Map<Integer, Integer> places = new HashMap<>();
    private final int[] contents = new int[PLACES];

    @Override
    public boolean ask(int content) {
      Integer place = places.get(content);
      if (place != null) {
        clock.touch(place);
        return true;
      }
      int free = places.size();
      if (free == PLACES) {
        free = clock.victim();
        clock.remember(fingerprint(contents[free]));
        clock.remove(free);
        places.remove(contents[free]);
      }
      clock.add(free, 1, clock.standing(fingerprint(content)));
      contents[free] = content;
      places.put(content, free);
      return false;
    }

    private static long fingerprint(int content) {
      return (content + 1) * 0x9E3779B97F4A7C15L;
    }
  }

  private static final class Lru implements Cache {
    private final LinkedHashMap<Integer, Integer> kept = new LinkedHashMap<>(16, 0.75f, true);

    @Override
    public boolean ask(int content) {
      boolean had = kept.put(content, content) != null;
      if (kept.size() > PLACES) {
        kept.pollFirstEntry();
      }
      return had;
    }
  }

  private static final class PlainClock implements Cache {
    private final Map<Integer, Integer> places = new HashMap<>();
    private final int[] contents = new int[PLACES];
    private final boolean[] marks = new boolean[PLACES];
    private int hand;

    @Override
    public boolean ask(int content) {
      Integer place = places.get(content);
      if (place != null) {
        marks[place] = true;
        return true;
      }
      int free = places.size();
      if (free == PLACES) {
        while (marks[hand]) {
          marks[hand] = false;
          hand = (hand + 1) % PLACES;
        }
        free = hand;
        hand = (hand + 1) % PLACES;
        places.remove(contents[free]);
      }
      contents[free] = content;
      marks[free] = false;
      places.put(content, free);
      return false;
    }
  }
}
