package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.mount.FolderPages.Item;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** The entries of one kind in one folder, and how they are being gone through. Any thread. */
final class WalkedEntries {
  private final Listing listing;
  private final List<ByteString> names;
  private final Map<ByteString, Integer> places;

  /** Guarded by itself. */
  private final WalkOrder order;

  /**
   * What a name that is wanted changes.
   *
   * @param fetch names to ask for, in the order they will be wanted in
   * @param drop names that were asked for and are wanted no more
   * @param spare what may be asked for elsewhere, since everything here was
   * @param inOrder whether it is the first time, and goes on in an order
   */
  record Step(List<ByteString> fetch, List<ByteString> drop, long spare, boolean inOrder) {
    static final Step NOTHING = new Step(List.of(), List.of(), 0, false);
  }

  /**
   * @param listing of the folder, and of the names that were wanted in it before
   * @param kind which of its entries these are
   * @param cost of asking for one
   * @param firstWindow what may be asked for ahead at first, in units of cost
   * @param mostAhead the bound of it
   */
  WalkedEntries(
      Listing listing,
      Predicate<HostAttributes> kind,
      ToLongFunction<HostAttributes> cost,
      long firstWindow,
      long mostAhead) {
    this.listing = listing;
    List<Item> items =
        listing.items().stream().filter(item -> kind.test(item.seen().attributes())).toList();
    this.names = items.stream().map(Item::name).toList();
    this.places = HashMap.newHashMap(names.size());
    for (int place = 0; place < names.size(); place++) {
      places.put(names.get(place), place);
    }
    this.order =
        new WalkOrder(
            names.stream().map(ByteString::toByteArray).toList(),
            items.stream().map(item -> item.seen().attributes()).mapToLong(cost).toArray(),
            firstWindow,
            mostAhead);
    for (ByteString name : listing.before()) {
      Integer place = places.get(name);
      if (place != null) {
        order.wasWanted(place);
      }
    }
  }

  int size() {
    return names.size();
  }

  boolean knows(ByteString name) {
    return places.containsKey(name);
  }

  /** Whether it was made of this very listing. */
  boolean isOf(Listing other) {
    return listing.equals(other);
  }

  /** A name is wanted now; one that is not among them changes nothing. */
  Step wanted(ByteString name) {
    Integer place = places.get(name);
    if (place == null) {
      return Step.NOTHING;
    }
    WalkOrder.Step step;
    long spare;
    synchronized (order) {
      step = order.wanted(place);
      spare = order.pace() == null ? 0 : order.spare(place);
    }
    return new Step(named(step.fetch()), named(step.drop()), spare, step.inOrder());
  }

  /** Sets another bound of what may be asked for ahead. */
  void bound(long mostCost) {
    synchronized (order) {
      order.bound(mostCost);
    }
  }

  /** Names that were to be asked for and were not, for want of room. */
  void notAsked(List<ByteString> left) {
    synchronized (order) {
      left.reversed().stream().map(places::get).filter(Objects::nonNull).forEach(order::notAsked);
    }
  }

  /** Those who go through what is around come through here as well, it seems. */
  void expect(WalkOrder.Pace pace) {
    synchronized (order) {
      order.expect(pace);
    }
  }

  /**
   * What is asked for before any of it is wanted.
   *
   * @param fetch names to ask for now
   * @param ahead cost of all that was asked for and is not wanted yet
   * @param whole whether that is all there is
   */
  record Begun(List<ByteString> fetch, long ahead, boolean whole) {}

  /** Begins before any name is wanted, as far as what is ahead costs so much. */
  Begun begin(long mostCost) {
    synchronized (order) {
      List<ByteString> fetch = named(order.begin(mostCost));
      return new Begun(fetch, order.ahead(), order.isAllAsked());
    }
  }

  /** How they are being gone through; null if they are not. */
  WalkOrder.@Nullable Pace pace() {
    synchronized (order) {
      return order.pace();
    }
  }

  /** The name that will be wanted after this one, if there is one. */
  Optional<ByteString> after(ByteString name) {
    Integer place = places.get(name);
    if (place == null) {
      return Optional.empty();
    }
    int next;
    synchronized (order) {
      next = order.after(place);
    }
    return next < 0 ? Optional.empty() : Optional.of(names.get(next));
  }

  private List<ByteString> named(List<Integer> entries) {
    return entries.stream().map(names::get).toList();
  }
}
