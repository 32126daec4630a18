package io.wormhole.cache;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.cache.ram.Chunk;
import io.wormhole.cache.ram.SlabArena;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.jspecify.annotations.Nullable;

/**
 * The cache, with room enough for all, against plain maps: what is listed, what is on its way, who
 * waits, and how many slots that makes.
 */
class ChunkCacheModelTest {
  private static final int SLOTS = 256;
  private static final int FILES = 2;
  private static final int CHUNKS = 3;
  private static final int LENGTH = 100;

  enum Action {
    GET,
    PEEK,
    PREFETCH,
    SUCCEED,
    FAIL,
    CORRUPT,
    AWAIT,
    ABANDON,
    RELEASE,
    CANCEL,
    END_CANCELLED,
    INVALIDATE
  }

  record Step(Action action, int which) {}

  @Provide
  Arbitrary<List<Step>> steps() {
    return Combinators.combine(Arbitraries.of(Action.class), Arbitraries.integers().between(0, 99))
        .as(Step::new)
        .list()
        .ofMaxSize(100);
  }

  @Property(tries = 500)
  void behavesAsPlainMapsDo(@ForAll("steps") List<Step> steps) throws Exception {
    World world = new World();
    for (Step step : steps) {
      world.take(step);
      world.check();
    }
    world.end();
  }

  /** A chunk in memory: how many hold it, the list among them. */
  private static final class ModelChunk {
    int holders;
  }

  /** A chunk on its way. */
  private static final class ModelFlight {
    final HeldLoads.Held load;
    final List<ModelClaim> claims = new ArrayList<>();
    boolean kept = true;

    ModelFlight(HeldLoads.Held load) {
      this.load = load;
    }
  }

  private static final class ModelClaim {
    final PendingChunk claim;
    @Nullable ModelFlight flight;
    @Nullable ModelChunk granted;
    @Nullable Class<? extends Exception> failure;

    ModelClaim(PendingChunk claim) {
      this.claim = claim;
    }
  }

  private record ModelHold(Chunk chunk, ModelChunk model) {}

  private static final class World {
    final HeldLoads loads = new HeldLoads();
    final ChunkCache cache =
        new ChunkCache((long) SLOTS * SlabArena.SLOT_BYTES, TestBytes.BLAKE3, Runnable::run);
    final Map<ChunkKey, ModelChunk> listed = new HashMap<>();
    final Map<ChunkKey, ModelFlight> flights = new HashMap<>();
    final Set<ModelChunk> chunks = new HashSet<>();
    final List<HeldLoads.Held> cancelled = new ArrayList<>();
    final List<ModelClaim> claims = new ArrayList<>();
    final List<ModelHold> holds = new ArrayList<>();
    int begun;
    int rejected;

    void take(Step step) throws Exception {
      ChunkKey key = keyOf(step.which());
      switch (step.action()) {
        case GET -> get(key);
        case PEEK -> peek(key);
        case PREFETCH -> prefetch(key);
        case SUCCEED -> succeed(key);
        case FAIL -> fail(key, false);
        case CORRUPT -> fail(key, true);
        case AWAIT -> await(step.which());
        case ABANDON -> abandon(step.which());
        case RELEASE -> release(step.which());
        case CANCEL -> cancel(key);
        case END_CANCELLED -> endCancelled(step.which());
        case INVALIDATE -> invalidate(key.file());
      }
    }

    void check() {
      CacheStats stats = cache.stats();
      assertThat(stats.chunks()).isEqualTo(listed.size());
      assertThat(stats.loads()).isEqualTo(begun);
      assertThat(stats.rejected()).isEqualTo(rejected);
      assertThat(stats.usedBytes() / SlabArena.SLOT_BYTES)
          .isEqualTo(chunks.size() + flights.size() + cancelled.size());
      for (ModelClaim claim : claims) {
        assertThat(claim.claim.isDone()).isEqualTo(claim.flight == null);
      }
    }

    void end() throws Exception {
      for (ChunkKey key : List.copyOf(flights.keySet())) {
        fail(key, false);
      }
      while (!cancelled.isEmpty()) {
        endCancelled(0);
      }
      while (!claims.isEmpty()) {
        abandon(0);
      }
      while (!holds.isEmpty()) {
        release(0);
      }
      check();
      Caches.assertHoldsNothingUnasked(cache);
    }

    private void get(ChunkKey key) {
      ModelClaim claim = new ModelClaim(cache.get(key, loads));
      claims.add(claim);
      ModelChunk there = listed.get(key);
      if (there != null) {
        there.holders++;
        claim.granted = there;
        return;
      }
      ModelFlight flight = flights.computeIfAbsent(key, this::begun);
      flight.claims.add(claim);
      claim.flight = flight;
    }

    private void peek(ChunkKey key) {
      Chunk chunk = cache.peek(key);
      ModelChunk there = listed.get(key);
      assertThat(chunk != null).isEqualTo(there != null);
      if (chunk != null && there != null) {
        there.holders++;
        holds.add(new ModelHold(chunk, there));
      }
    }

    private void prefetch(ChunkKey key) {
      assertThat(cache.prefetch(key, loads)).isTrue();
      if (!listed.containsKey(key)) {
        flights.computeIfAbsent(key, this::begun);
      }
    }

    private void succeed(ChunkKey key) {
      ModelFlight flight = flights.remove(key);
      if (flight == null) {
        return;
      }
      flight.load.succeed(LENGTH);
      ModelChunk chunk = new ModelChunk();
      chunk.holders = flight.claims.size() + (flight.kept ? 1 : 0);
      if (flight.kept) {
        listed.put(key, chunk);
      }
      if (chunk.holders > 0) {
        chunks.add(chunk);
      }
      for (ModelClaim claim : flight.claims) {
        claim.flight = null;
        claim.granted = chunk;
      }
    }

    private void fail(ChunkKey key, boolean corrupt) {
      ModelFlight flight = flights.remove(key);
      if (flight == null) {
        return;
      }
      if (corrupt) {
        flight.load.succeedWith(new Arrival(LENGTH, new byte[32], new byte[0], false));
        rejected++;
      } else {
        flight.load.fail(new IOException("gone"));
      }
      for (ModelClaim claim : flight.claims) {
        claim.flight = null;
        claim.failure = corrupt ? CorruptChunkException.class : ChunkLoadException.class;
      }
    }

    private void await(int which) throws Exception {
      if (claims.isEmpty()) {
        return;
      }
      ModelClaim claim = claims.remove(which % claims.size());
      if (claim.granted != null) {
        holds.add(new ModelHold(claim.claim.await(Duration.ZERO), claim.granted));
        return;
      }
      Class<? extends Exception> expected =
          claim.failure != null ? claim.failure : TimeoutException.class;
      assertThatThrownBy(() -> claim.claim.await(Duration.ZERO)).isInstanceOf(expected);
      leave(claim);
    }

    private void abandon(int which) {
      if (claims.isEmpty()) {
        return;
      }
      ModelClaim claim = claims.remove(which % claims.size());
      claim.claim.abandon();
      leave(claim);
      if (claim.granted != null) {
        letGo(claim.granted);
      }
    }

    private static void leave(ModelClaim claim) {
      if (claim.flight != null) {
        claim.flight.claims.remove(claim);
      }
    }

    private void release(int which) {
      if (holds.isEmpty()) {
        return;
      }
      ModelHold hold = holds.remove(which % holds.size());
      assertThat(hold.chunk().length()).isEqualTo(LENGTH);
      hold.chunk().release();
      letGo(hold.model());
    }

    private void cancel(ChunkKey key) {
      ModelFlight flight = flights.get(key);
      boolean unwanted = flight != null && flight.claims.isEmpty();
      assertThat(cache.cancelIfUnwanted(key)).isEqualTo(unwanted);
      if (unwanted) {
        cancelled(key);
      }
    }

    private void endCancelled(int which) {
      if (cancelled.isEmpty()) {
        return;
      }
      HeldLoads.Held load = cancelled.remove(which % cancelled.size());
      if (which % 2 == 0) {
        load.succeed(LENGTH);
      } else {
        load.fail(new IOException("cancelled"));
      }
    }

    private void invalidate(FileVersion file) {
      cache.invalidate(file::equals);
      for (ChunkKey key : List.copyOf(listed.keySet())) {
        if (key.file().equals(file)) {
          letGo(requireNonNull(listed.remove(key)));
        }
      }
      for (ChunkKey key : List.copyOf(flights.keySet())) {
        if (key.file().equals(file)) {
          ModelFlight flight = requireNonNull(flights.get(key));
          flight.kept = false;
          if (flight.claims.isEmpty()) {
            cancelled(key);
          }
        }
      }
    }

    private void cancelled(ChunkKey key) {
      HeldLoads.Held load = requireNonNull(flights.remove(key)).load;
      assertThat(load.isCancelled()).isTrue();
      cancelled.add(load);
    }

    private void letGo(ModelChunk chunk) {
      if (--chunk.holders == 0) {
        chunks.remove(chunk);
      }
    }

    private ModelFlight begun(ChunkKey key) {
      begun++;
      return new ModelFlight(loads.take(key));
    }

    private static ChunkKey keyOf(int which) {
      FileVersion file = new FileVersion(1, 2, 3, 4, 5, which % FILES);
      return new ChunkKey(file, which / FILES % CHUNKS);
    }
  }
}
