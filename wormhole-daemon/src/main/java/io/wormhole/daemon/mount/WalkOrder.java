package io.wormhole.daemon.mount;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which entries of one folder to ask for before those who go through it do. Policy only: it fetches
 * nothing.
 *
 * <p>Behaviours:
 *
 * <ul>
 *   <li><b>A, two orders.</b> Programs go through a folder as it is listed, or by name. Both are
 *       watched, and the one that fits is followed.
 *   <li><b>B, in order.</b> An entry that is wanted just behind one of those wanted last goes on in
 *       order. From the second such entry on, those behind it are asked for, as many as fill a
 *       window; a quarter of it at a time, so that many go in one request.
 *   <li><b>C, window.</b> Each entry that was asked for and then wanted widens it by three times
 *       its cost, up to a bound, which is fourfold in each round trip; each that was passed over
 *       halves it. So what comes in vain is bounded by what was wanted.
 *   <li><b>D, elsewhere.</b> After some entries that fit no order, what was asked for is wanted no
 *       more, and the window is as it was at first.
 *   <li><b>E, several.</b> Readers may be at several places: each has a window of his own, and his
 *       share of the bound.
 *   <li><b>F, again.</b> Who goes through it once more is known by some entries in order that were
 *       wanted before. One alone proves nothing, as two programs may go through it side by side,
 *       and so do a few that are wanted in turns for ever.
 * </ul>
 *
 * <p>Not thread-safe; whoever has it guards it.
 */
final class WalkOrder {
  /** How far from the entry wanted last the next one may stand, either way, and be in order. */
  private static final int REACH = 4;

  private static final int MOST_PLACES = 8;

  /** Entries wanted elsewhere meanwhile, after which nobody is at a place any more. */
  private static final int LEFT_AFTER = 64;

  private static final int MOST_STRAYS = 3;
  private static final int REPEATED = 3;

  /** Who has wanted fewer does not go through anything. */
  private static final int LEAST_OF_A_WALK = 16;

  /** How much the window widens for each entry it was right about, in costs of that. */
  private static final long WIDENING = 3;

  private static final int SURE = 4;
  private static final int LISTED = 0;
  private static final int BY_NAME = 1;

  private final long[] costs;
  private final long firstWindow;
  private long mostAhead;

  /** Entries in each of the two orders, and where each entry stands there. */
  private final int[][] entries;

  private final int[][] positions;

  private final BitSet wanted = new BitSet();

  /** Asked for; but for those that are wanted by now, or were passed over, they are ahead. */
  private final BitSet asked = new BitSet();

  /** Where readers are. */
  private final List<Place> places = new ArrayList<>();

  /** Above 0 when they seem to go by name. */
  private int byName;

  private int order = LISTED;

  private boolean expected;
  private int strays;
  private int repeated;
  private int lastRepeated = -1;
  private long visits;
  private long ahead;

  /** Where a reader was last. */
  private @Nullable Place latest;

  /** Of the first place. */
  private long expectedWindow;

  /**
   * What an entry that is wanted changes.
   *
   * @param fetch entries to ask for now, that one among them if it was not and is the furthest; in
   *     the order they will be wanted in
   * @param drop entries that were asked for and are wanted no more
   * @param inOrder whether it is the first time, and goes on in an order
   */
  record Step(List<Integer> fetch, List<Integer> drop, boolean inOrder) {
    static final Step NOTHING = new Step(List.of(), List.of(), false);
  }

  /**
   * How a folder is being gone through.
   *
   * @param window what may be asked for ahead
   * @param byName whether by name, and not as it is listed
   */
  record Pace(long window, boolean byName) {}

  /** Where a reader is. Positions are those of the order that is followed. */
  private static final class Place {
    int entry;
    int askedUpTo;
    int settledUpTo;
    long ahead;
    long window;
    long visit;

    Place(int entry, long window) {
      this.entry = entry;
      this.window = window;
    }
  }

  /**
   * @param names in the order they are listed in
   * @param costs of asking for each, in any unit
   * @param firstWindow what may be asked for ahead at first
   * @param mostAhead the bound of it
   */
  WalkOrder(List<byte[]> names, long[] costs, long firstWindow, long mostAhead) {
    this.costs = costs;
    this.firstWindow = firstWindow;
    this.mostAhead = mostAhead;
    this.expectedWindow = firstWindow;
    int[] listed = new int[names.size()];
    Arrays.setAll(listed, entry -> entry);
    Comparator<Integer> unsigned =
        (one, other) -> Arrays.compareUnsigned(names.get(one), names.get(other));
    int[] sorted =
        Arrays.stream(listed).boxed().sorted(unsigned).mapToInt(Integer::intValue).toArray();
    this.entries = new int[][] {listed, sorted};
    this.positions = new int[][] {listed, inverse(sorted)};
  }

  private static int[] inverse(int[] order) {
    int[] positions = new int[order.length];
    for (int position = 0; position < order.length; position++) {
      positions[order[position]] = position;
    }
    return positions;
  }

  /** An entry was wanted before there was anything to go by. */
  void wasWanted(int entry) {
    wanted.set(entry);
    var _ = vote(entry);
    if (placeOf(entry) == null) {
      newPlace(entry);
    }
  }

  /** Somebody goes through all there is, this too: the first entry that is wanted is in order. */
  void expect(Pace pace) {
    expected = true;
    expectedWindow = Math.max(firstWindow, pace.window());
    places.forEach(place -> place.window = Math.max(place.window, expectedWindow));
    byName = pace.byName() ? 1 : -1;
    order = pace.byName() ? BY_NAME : LISTED;
    places.forEach(this::standStill);
  }

  /**
   * Entries to ask for before any is wanted, from the first one on, until those ahead cost so much;
   * in the order they will be wanted in. None while there is room for a few only.
   */
  List<Integer> begin(long mostCost) {
    List<Integer> fetch = new ArrayList<>();
    if (ahead > 0 && mostCost - ahead < expectedWindow / 8) {
      return fetch;
    }
    for (int entry : entries[order()]) {
      if (ahead + costs[entry] > mostCost) {
        break;
      }
      if (!asked.get(entry) && !wanted.get(entry)) {
        ask(entry);
        fetch.add(entry);
      }
    }
    return fetch;
  }

  /** Sets another bound of what may be asked for ahead. */
  void bound(long mostCost) {
    mostAhead = Math.max(firstWindow, mostCost);
  }

  /** An entry was not asked for after all: there was no room for it. */
  void notAsked(int entry) {
    if (giveUp(entry)) {
      int position = positions[order()][entry];
      for (Place place : places) {
        if (position < place.askedUpTo && position > positions[order()][place.entry]) {
          place.askedUpTo = position;
          place.ahead = Math.max(0, place.ahead - costs[entry]);
        }
      }
    }
  }

  /** How it is being gone through; null if that was not noticed, or is over. */
  @Nullable Pace pace() {
    Place at = latest;
    return at != null && at.window > firstWindow
        ? new Pace(Math.min(at.window, mostAhead), order() == BY_NAME)
        : null;
  }

  /** Cost of what was asked for and is not wanted yet. */
  long ahead() {
    return ahead;
  }

  /** Whether there is nothing left to ask for. */
  boolean isAllAsked() {
    BitSet done = (BitSet) asked.clone();
    done.or(wanted);
    return done.cardinality() == costs.length;
  }

  /** What the window has left once everything behind the reader was asked for; else 0. */
  long spare(int entry) {
    Place at = latest;
    if (at == null) {
      return 0;
    }
    int[] inOrder = entries[order()];
    for (int position = inOrder.length - 1; position > positions[order()][entry]; position--) {
      if (!asked.get(inOrder[position]) && !wanted.get(inOrder[position])) {
        return 0;
      }
    }
    long window = Math.min(at.window, mostAhead);
    return Math.max(0, window - window / 4 - ahead);
  }

  /** The entry that follows one in the order that is gone by; −1 behind the last. */
  int after(int entry) {
    int next = positions[order()][entry] + 1;
    return next < entries[order()].length ? entries[order()][next] : -1;
  }

  /** An entry is wanted now. */
  Step wanted(int entry) {
    if (wanted.get(entry)) {
      int before = lastRepeated;
      lastRepeated = entry;
      repeated = before >= 0 && follows(entry, before) ? repeated + 1 : 1;
      if (repeated < REPEATED || wanted.cardinality() < LEAST_OF_A_WALK) {
        return Step.NOTHING;
      }
      beginAgain(before);
    } else {
      repeated = 0;
    }
    visits++;
    boolean hit = asked.get(entry);
    boolean inOrder = hit || (expected && places.isEmpty());
    List<Integer> drop = vote(entry);
    wanted.set(entry);
    Place place = placeOf(entry);
    if (place == null) {
      place = newPlace(entry);
    } else {
      inOrder = true;
    }
    if (hit && drop.isEmpty()) {
      ahead -= costs[entry];
      place.ahead = Math.max(0, place.ahead - costs[entry]);
      place.window = Math.min(place.window + WIDENING * costs[entry], mostAhead);
    }
    if (!inOrder) {
      return ++strays < MOST_STRAYS ? Step.NOTHING : new Step(List.of(), dropAll(), false);
    }
    strays = 0;
    settle(place);
    List<Integer> fetch = fetch(place);
    return new Step(fetch, drop.stream().filter(left -> left != entry).toList(), true);
  }

  /** Nothing was wanted as yet but this entry; the order that was found stays. */
  private void beginAgain(int entry) {
    places.clear();
    expectedWindow = firstWindow;
    asked.clear();
    ahead = 0;
    wanted.clear();
    wanted.set(entry);
    newPlace(entry);
    repeated = 0;
  }

  private int order() {
    return order;
  }

  /**
   * Learns from an entry which way they go.
   *
   * @return what was asked for and is not wanted after all, because they go the other way
   */
  private List<Integer> vote(int entry) {
    boolean first = byName == 0;
    boolean listed = placeNear(entry, LISTED, 1) != null;
    boolean named = placeNear(entry, BY_NAME, 1) != null;
    if (listed != named) {
      byName = Math.clamp(byName + (named ? 1L : -1L), -SURE, SURE);
    }
    int wish = byName > 0 ? BY_NAME : LISTED;
    // Two programs that go different ways do not turn it to and fro.
    if (byName == 0 || wish == order || (!first && Math.abs(byName) < SURE / 2)) {
      return List.of();
    }
    List<Integer> dropped = dropAll();
    order = wish;
    places.forEach(this::standStill);
    return dropped;
  }

  /** The place this entry goes on from, which is at it then; null if there is none. */
  private @Nullable Place placeOf(int entry) {
    Place place = placeNear(entry, order(), -REACH);
    if (place != null) {
      placed(place, entry);
    }
    return place;
  }

  /**
   * @param least how far behind the place it has to be; less than 0 for before it
   */
  private @Nullable Place placeNear(int entry, int order, int least) {
    for (Place place : places) {
      if (isBehind(entry, place.entry, order, least)) {
        return place;
      }
    }
    return null;
  }

  /** In whichever order. */
  private boolean follows(int entry, int before) {
    return isBehind(entry, before, LISTED, 1) || isBehind(entry, before, BY_NAME, 1);
  }

  private boolean isBehind(int entry, int before, int order, int least) {
    int distance = positions[order][entry] - positions[order][before];
    return distance >= least && distance <= REACH;
  }

  private Place newPlace(int entry) {
    places.stream()
        .filter(place -> visits - place.visit > LEFT_AFTER)
        .toList()
        .forEach(this::leave);
    if (places.size() == MOST_PLACES) {
      places.stream().min(Comparator.comparingLong(place -> place.visit)).ifPresent(this::leave);
    }
    boolean first = places.isEmpty();
    Place place = new Place(entry, first ? expectedWindow : firstWindow);
    standStill(place);
    if (first) {
      // What was begun in front of a reader who starts further back is passed over.
      place.settledUpTo = 0;
    }
    place.visit = visits;
    places.add(place);
    latest = place;
    return place;
  }

  /** Nobody is there any more: what was asked for from there on is not ahead of anyone. */
  private void leave(Place place) {
    places.remove(place);
    int[] inOrder = entries[order()];
    for (int position = place.settledUpTo; position < place.askedUpTo; position++) {
      giveUp(inOrder[position]);
    }
  }

  /** Whether it was ahead. */
  private boolean giveUp(int entry) {
    boolean wasAhead = asked.get(entry) && !wanted.get(entry);
    if (wasAhead) {
      asked.clear(entry);
      ahead -= costs[entry];
    }
    return wasAhead;
  }

  /** A reader is at an entry; one a little before those he has been at does not move him back. */
  private void placed(Place place, int entry) {
    int[] position = positions[order()];
    if (position[entry] >= position[place.entry]) {
      place.entry = entry;
    }
    place.askedUpTo = Math.max(place.askedUpTo, position[place.entry] + 1);
    place.visit = visits;
    latest = place;
  }

  /** Nothing was asked for from this place on, in the order that is followed. */
  private void standStill(Place place) {
    int position = positions[order()][place.entry];
    place.settledUpTo = position;
    place.askedUpTo = position + 1;
    place.ahead = 0;
  }

  /** What a reader has passed over is not ahead of him. */
  private void settle(Place place) {
    int[] inOrder = entries[order()];
    int end = positions[order()][place.entry] - REACH;
    for (int position = place.settledUpTo; position < end; position++) {
      int entry = inOrder[position];
      if (giveUp(entry)) {
        place.ahead = Math.max(0, place.ahead - costs[entry]);
        place.window = Math.max(place.window / 2, firstWindow);
      }
    }
    place.settledUpTo = Math.max(place.settledUpTo, end);
  }

  private List<Integer> fetch(Place place) {
    List<Integer> fetch = new ArrayList<>();
    if (!asked.get(place.entry)) {
      asked.set(place.entry);
      fetch.add(place.entry);
    }
    long share = Math.min(place.window, Math.max(firstWindow, mostAhead / places.size()));
    if (place.ahead > share - share / 4) {
      return fetch;
    }
    int[] inOrder = entries[order()];
    for (int position = place.askedUpTo; position < inOrder.length; position++) {
      int next = inOrder[position];
      if (!asked.get(next) && !wanted.get(next)) {
        boolean tooMuch = place.ahead + costs[next] > share || ahead + costs[next] > mostAhead;
        if (tooMuch && ahead > 0) {
          break;
        }
        ask(next);
        place.ahead += costs[next];
        fetch.add(next);
      }
      place.askedUpTo = position + 1;
    }
    return fetch;
  }

  private void ask(int entry) {
    asked.set(entry);
    ahead += costs[entry];
  }

  private List<Integer> dropAll() {
    BitSet dropped = (BitSet) asked.clone();
    dropped.andNot(wanted);
    asked.andNot(dropped);
    places.forEach(this::standStill);
    ahead = 0;
    strays = 0;
    places.forEach(place -> place.window = firstWindow);
    return dropped.stream().boxed().toList();
  }
}
