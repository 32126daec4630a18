package io.wormhole.cache.ram;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import com.github.benmanes.caffeine.cache.RemovalCause;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * L1: which chunks stay in RAM. Caffeine (W-TinyLFU: Einziger, Friedman, Manes, "TinyLFU: A Highly
 * Efficient Cache Admission Policy", 2017) decides, weighing each by the slot it holds; an arena of
 * slots lies under it. The tier holds one reference to each chunk it lists.
 *
 * <p>How the limit is shared out, in slots:
 *
 * <ul>
 *   <li>7/8 are Caffeine's. The rest is for what is not listed: chunks on their way, and evicted
 *       ones that a reader still holds. When that is used up, {@link #take} evicts what is coldest.
 *   <li>A chunk read ahead weighs nothing until it is read. TinyLFU would else turn it away at the
 *       door: it has never been asked for, and every chunk it could replace has. Up to a quarter of
 *       the slots is so protected, the oldest losing it first.
 *   <li>Nor does one that was read for the first time just now: the kernel asks for the parts of a
 *       chunk one after the other. Up to a sixteenth of the slots.
 *   <li>Small chunks share places. Where a whole one is needed, those that share one with the
 *       coldest go with it: else the coldest could all go and no place be free.
 * </ul>
 *
 * <p>Any thread may call; nothing waits for more than another thread's bookkeeping.
 *
 * @param <K> names a chunk for good: what is listed under a key is never replaced by other bytes
 */
public final class RamTier<K> implements AutoCloseable {
  /** The least a tier can be limited to, in bytes. */
  public static final long MIN_LIMIT_BYTES = 1L << 20;

  private static final int UNLISTED_SHARE = 8;
  private static final int READ_AHEAD_SHARE = 4;
  private static final int FRESH_SHARE = 16;

  /** Victims looked for before a taker is told that nothing is free. */
  private static final int EVICTION_ATTEMPTS = 4;

  /** What a tier holds, in bytes, but for the counts of chunks and of evictions so far. */
  public record Usage(
      long limitBytes,
      long usedBytes,
      long overflowBytes,
      long ramBytes,
      long chunks,
      long evictions) {}

  private final SlabArena arena;
  private final Cache<K, Listed> listed;
  private final Policy.Eviction<K, Listed> policy;
  private final LongAdder evictions = new LongAdder();

  /** Which chunks share a place. */
  private final ConcurrentHashMap<Integer, Set<K>> sharing = new ConcurrentHashMap<>();

  /** Chunks read ahead, oldest first; some of them have been read or dropped since. */
  private final ArrayDeque<Map.Entry<K, Listed>> unread = new ArrayDeque<>();

  /** Chunks that were read for the first time, oldest first; some have been dropped since. */
  private final ArrayDeque<Map.Entry<K, Listed>> fresh = new ArrayDeque<>();

  /**
   * @param limitBytes at least {@link #MIN_LIMIT_BYTES}
   * @param slotMayBeHad told when {@link #take} may succeed where it failed before, by a thread
   *     that may hold locks; must not wait
   */
  public RamTier(long limitBytes, Runnable slotMayBeHad) {
    this.arena = new SlabArena(checked(limitBytes), slotMayBeHad);
    this.listed =
        Caffeine.newBuilder()
            .maximumWeight(listedBytes(limitBytes))
            .weigher((K key, Listed chunk) -> chunk.weightBytes())
            .removalListener(this::removed)
            .executor(Runnable::run)
            .build();
    this.policy = listed.policy().eviction().orElseThrow();
  }

  /** The chunk with a reference of the caller's, or null. It counts as read. */
  public @Nullable Chunk get(K key) {
    while (true) {
      Listed found = listed.getIfPresent(key);
      if (found == null) {
        return null;
      }
      // A chunk whose count is at zero has left the list before that: the next look tells.
      if (found.chunk().retain()) {
        if (found.standing() == Standing.UNREAD) {
          Listed read = found.as(Standing.FRESH);
          if (listed.asMap().replace(key, found, read)) {
            protect(fresh, freshSlots(), key, read);
          }
        }
        return found.chunk();
      }
    }
  }

  /** Whether a chunk is listed; it does not count as read. */
  public boolean contains(K key) {
    return listed.asMap().containsKey(key);
  }

  /**
   * Lists a chunk, if there is none under that key. Takes over one reference.
   *
   * @param readAhead nobody has asked for it yet
   */
  public void put(K key, Chunk chunk, boolean readAhead) {
    Listed added = new Listed(chunk, readAhead ? Standing.UNREAD : Standing.FRESH);
    share(key, chunk);
    if (listed.asMap().putIfAbsent(key, added) != null) {
      unshare(key, chunk);
      chunk.release();
    } else if (readAhead) {
      protect(unread, readAheadSlots(), key, added);
    } else {
      protect(fresh, freshSlots(), key, added);
    }
  }

  /** Drops a chunk, if there is one. */
  public void remove(K key) {
    listed.invalidate(key);
  }

  /** Drops the chunks of such keys; looks at every key there is. */
  public void removeIf(Predicate<? super K> dropped) {
    listed.asMap().keySet().removeIf(dropped);
  }

  /**
   * A slot, for which a cold chunk may have to go; null when each is held by a reader or on its
   * way.
   *
   * @param bytes that it is to hold
   * @throws OutOfMemoryError if the system refuses address space
   */
  public @Nullable Slot take(int bytes) {
    boolean whole = !SlabArena.isSmall(bytes);
    Slot slot = arena.take(bytes);
    for (int attempt = 0; slot == null && attempt < EVICTION_ATTEMPTS; attempt++) {
      if (!evictColdest(whole)) {
        return null;
      }
      slot = arena.take(bytes);
    }
    return slot;
  }

  /** A slot past the limit, for a chunk that will not be kept; null when those are in use too. */
  public @Nullable Slot takeOverflow() {
    return arena.takeOverflow();
  }

  /** How many slots reading ahead may hold before it has to wait for its own. */
  public int readAheadSlots() {
    return Math.max(1, arena.limitSlots() / READ_AHEAD_SHARE);
  }

  private int freshSlots() {
    return Math.max(1, arena.limitSlots() / FRESH_SHARE);
  }

  /** Sets another limit, at once; what does not fit any more is dropped, coldest first. */
  public synchronized void resize(long limitBytes) {
    long before = policy.getMaximum();
    long listedBytes = listedBytes(checked(limitBytes));
    if (listedBytes < before) {
      policy.setMaximum(listedBytes);
      unprotectPast(unread, slots(limitBytes, READ_AHEAD_SHARE));
      unprotectPast(fresh, slots(limitBytes, FRESH_SHARE));
      arena.resize(limitBytes);
      // What was protected comes on top of Caffeine's share, so both together may be too much.
      while (arena.isPastLimit() && evictColdest(true)) {
        Thread.onSpinWait();
      }
    } else {
      arena.resize(limitBytes);
      policy.setMaximum(listedBytes);
    }
  }

  /** Gives back the RAM of slots that hold nothing. */
  public void trim() {
    arena.trim();
  }

  public Usage usage() {
    SlabArena.Usage slots = arena.usage();
    return new Usage(
        bytesOf(slots.limit()),
        bytesOf(slots.used()),
        bytesOf(slots.overflow()),
        bytesOf(slots.touched()),
        listed.asMap().size(),
        evictions.sum());
  }

  /** Drops everything; the memory goes when the last reader has released what he holds. */
  @Override
  public void close() {
    arena.close();
    listed.invalidateAll();
  }

  /** Whether it is closed and its memory is the system's again. */
  public boolean isReleased() {
    return !arena.isMapped();
  }

  /**
   * @param whole whether those that share its place are to go as well
   */
  private boolean evictColdest(boolean whole) {
    Optional<Map.Entry<K, Listed>> victim =
        policy.coldest(chunks ->
            chunks
                .filter(entry -> entry.getValue().isEvictable())
                .findFirst()
                .map(entry -> Map.entry(entry.getKey(), entry.getValue())));
    if (victim.isPresent()) {
      var _ = evict(victim.get(), whole);
      return true;
    }
    return evictOldest(fresh, whole) || evictOldest(unread, whole);
  }

  /** One that a reader holds stays: it would give no slot. */
  private boolean evictOldest(ArrayDeque<Map.Entry<K, Listed>> protectedOnes, boolean whole) {
    while (true) {
      Map.Entry<K, Listed> oldest = null;
      synchronized (protectedOnes) {
        for (var each = protectedOnes.iterator(); oldest == null && each.hasNext(); ) {
          Map.Entry<K, Listed> found = each.next();
          if (found.getValue().chunk().isIdle()) {
            each.remove();
            oldest = found;
          }
        }
      }
      if (oldest == null) {
        return false;
      }
      if (evict(oldest, whole)) {
        return true;
      }
    }
  }

  private boolean evict(Map.Entry<K, Listed> victim, boolean whole) {
    Set<K> neighbours = whole ? neighbours(victim.getValue().chunk()) : Set.of();
    boolean gone = evict(victim.getKey(), victim.getValue());
    for (K key : neighbours) {
      Listed neighbour = listed.policy().getIfPresentQuietly(key);
      if (neighbour != null && neighbour.chunk().isIdle()) {
        var _ = evict(key, neighbour);
      }
    }
    return gone;
  }

  private boolean evict(K key, Listed victim) {
    boolean gone = listed.asMap().remove(key, victim);
    if (gone) {
      evictions.increment();
    }
    return gone;
  }

  private void share(K key, Chunk chunk) {
    OptionalInt place = chunk.sharedPlace();
    if (place.isPresent()) {
      sharing.compute(
          place.getAsInt(),
          (_, keys) -> {
            Set<K> all = keys == null ? ConcurrentHashMap.newKeySet() : keys;
            all.add(key);
            return all;
          });
    }
  }

  private void unshare(K key, Chunk chunk) {
    OptionalInt place = chunk.sharedPlace();
    if (place.isPresent()) {
      sharing.computeIfPresent(
          place.getAsInt(),
          (_, keys) -> {
            keys.remove(key);
            return keys.isEmpty() ? null : keys;
          });
    }
  }

  private Set<K> neighbours(Chunk chunk) {
    OptionalInt place = chunk.sharedPlace();
    return place.isEmpty()
        ? Set.of()
        : Set.copyOf(sharing.getOrDefault(place.getAsInt(), Set.of()));
  }

  private void protect(
      ArrayDeque<Map.Entry<K, Listed>> protectedOnes, int slots, K key, Listed chunk) {
    synchronized (protectedOnes) {
      protectedOnes.addLast(Map.entry(key, chunk));
    }
    unprotectPast(protectedOnes, slots);
  }

  private void unprotectPast(ArrayDeque<Map.Entry<K, Listed>> protectedOnes, int slots) {
    while (true) {
      Map.Entry<K, Listed> oldest;
      synchronized (protectedOnes) {
        if (protectedOnes.size() <= slots) {
          return;
        }
        oldest = protectedOnes.removeFirst();
      }
      listed
          .asMap()
          .replace(oldest.getKey(), oldest.getValue(), oldest.getValue().as(Standing.WEIGHED));
    }
  }

  private void removed(@Nullable K key, @Nullable Listed chunk, RemovalCause cause) {
    if (chunk == null || cause == RemovalCause.REPLACED) {
      return;
    }
    if (cause.wasEvicted()) {
      evictions.increment();
    }
    if (key != null) {
      unshare(key, chunk.chunk());
    }
    chunk.chunk().release();
  }

  private static int slots(long limitBytes, int share) {
    return (int) Math.max(1, limitBytes / SlabArena.SLOT_BYTES / share);
  }

  private static long listedBytes(long limitBytes) {
    return limitBytes - limitBytes / UNLISTED_SHARE;
  }

  private static long checked(long limitBytes) {
    if (limitBytes < MIN_LIMIT_BYTES) {
      throw new IllegalArgumentException(
          "a cache in RAM of %d bytes; the least is %d".formatted(limitBytes, MIN_LIMIT_BYTES));
    }
    return limitBytes;
  }

  private static long bytesOf(int slots) {
    return (long) slots * SlabArena.SLOT_BYTES;
  }

  /** How a chunk stands with Caffeine. */
  private enum Standing {
    /** Read ahead. */
    UNREAD,
    /** Read for the first time, or being. */
    FRESH,
    /** Caffeine's to decide about. */
    WEIGHED
  }

  /** A chunk as Caffeine sees it; replaced by another form, with the same reference. */
  private record Listed(Chunk chunk, Standing standing) {
    int weightBytes() {
      return standing == Standing.WEIGHED ? chunk.footprintBytes() : 0;
    }

    boolean isEvictable() {
      return standing == Standing.WEIGHED && chunk.isIdle();
    }

    Listed as(Standing other) {
      return new Listed(chunk, other);
    }
  }
}
