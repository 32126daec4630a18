package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.Inode.Seen;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What stands in a folder, or at its beginning, as the host said of late. Any thread. */
final class Listing {
  private final List<Item> items;
  private final Map<ByteString, Seen> byName;
  private final long goodUntilNanos;
  private final boolean whole;
  private final List<ByteString> before;
  private final boolean ahead;
  private final AtomicInteger lookups = new AtomicInteger();

  /**
   * @param items in the host's order; not changed any more
   * @param whole whether a name that is not in it is known not to be in the folder
   * @param before names that were looked up in the folder before this came, the last one last
   */
  Listing(List<Item> items, long goodUntilNanos, boolean whole, List<ByteString> before) {
    this(items, goodUntilNanos, whole, before, false);
  }

  /** One that nobody has asked for as yet. */
  static Listing ahead(List<Item> items, long goodUntilNanos, boolean whole) {
    return new Listing(items, goodUntilNanos, whole, List.of(), true);
  }

  private Listing(
      List<Item> items,
      long goodUntilNanos,
      boolean whole,
      List<ByteString> before,
      boolean ahead) {
    this.ahead = ahead;
    this.items = items;
    this.byName = HashMap.newHashMap(items.size());
    items.forEach(item -> byName.put(item.name(), item.seen()));
    this.goodUntilNanos = goodUntilNanos;
    this.whole = whole;
    this.before = before;
  }

  List<Item> items() {
    return items;
  }

  int size() {
    return items.size();
  }

  /** How much longer it is good, in nanoseconds; 0 or less when it is not. */
  long remainingNanos(long nowNanos) {
    return goodUntilNanos - nowNanos;
  }

  /** Whether it says what stands under a name, or that nothing does. */
  boolean knows(ByteString name) {
    return whole || byName.containsKey(name);
  }

  boolean isWhole() {
    return whole;
  }

  /** What stands under a name. */
  @Nullable Seen find(ByteString name) {
    return byName.get(name);
  }

  List<ByteString> before() {
    return before;
  }

  /** Whether the host said it after the other. */
  boolean isLaterThan(Listing other) {
    return goodUntilNanos - other.goodUntilNanos > 0;
  }

  /** Whether it came before anybody asked for it. */
  boolean cameAhead() {
    return ahead;
  }

  /** Counts one more name that was looked up in it; says how many these are. */
  int lookedUp() {
    return lookups.incrementAndGet();
  }
}
