package io.wormhole.cache;

import static io.wormhole.cache.TestBytes.assertIsChunk;
import static io.wormhole.cache.TestBytes.key;
import static io.wormhole.cache.TestBytes.part;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.ram.Chunk;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Chunks of which a part comes before the rest. */
class PartTest {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final int LENGTH = 100_000;
  private static final int FROM = 16 << 10;
  private static final int TO = 48 << 10;

  @RegisterExtension private final Caches caches = new Caches();
  @TempDir private Path folder;

  private final HeldLoads loads = new HeldLoads();

  private static byte[] copy(PendingChunk claim, int from, int length, Duration atMost)
      throws Exception {
    byte[] bytes = new byte[length];
    claim.copy(from, MemorySegment.ofArray(bytes), atMost);
    return bytes;
  }

  private static byte[] there(HeldLoads.Held load, int from, int length) {
    return load.destination().asSlice(from, length).toArray(ValueLayout.JAVA_BYTE);
  }

  /** Its bytes are there; nobody was told. */
  private HeldLoads.Held filled() {
    HeldLoads.Held load = loads.take(key(1));
    TestBytes.fill(key(1), load.destination(), LENGTH);
    return load;
  }

  private static Arrival all(MemorySegment filled) {
    return Arrival.of(
        List.of(part(filled, TO, LENGTH), part(filled, FROM, TO), part(filled, 0, FROM)));
  }

  @Test
  void readerOfThePartDoesNotWaitForTheRest() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk claim = cache.get(key(1), loads);
    HeldLoads.Held load = filled();
    load.partComes(part(load.destination(), FROM, TO));
    assertThat(copy(claim, FROM + 10, 1000, SOON)).isEqualTo(there(load, FROM + 10, 1000));
    assertThat(load.isHurried()).isFalse();
    assertThat(load.isCancelled()).isFalse();
    assertThat(cache.peek(key(1))).as("all of the chunk").isNull();

    load.succeedWith(all(load.destination()));
    Chunk chunk = cache.get(key(1), loads).await(SOON);
    assertThat(chunk.length()).isEqualTo(LENGTH);
    assertThat(chunk.hash()).isEqualTo(TestBytes.BLAKE3.hash(chunk.bytes()).hash());
    assertIsChunk(key(1), chunk);
    chunk.release();
    assertThat(cache.stats().loads()).isEqualTo(1);
    assertThat(cache.stats().fetched()).isEqualTo(1);
  }

  @Test
  void whoWantsMoreThanThePartHurriesTheRestAndWaitsForIt() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk claim = cache.get(key(1), loads);
    HeldLoads.Held load = filled();
    load.partComes(part(load.destination(), FROM, TO));
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<byte[]> more = threads.submit(() -> copy(claim, TO - 10, 20, SOON));
      long until = System.nanoTime() + SOON.toNanos();
      while (!load.isHurried()) {
        assertThat(System.nanoTime()).isLessThan(until);
        Thread.sleep(1);
      }
      assertThat(more.isDone()).isFalse();
      load.succeedWith(all(load.destination()));
      assertThat(more.get(10, TimeUnit.SECONDS)).isEqualTo(there(load, TO - 10, 20));
    }
  }

  @Test
  void whoWantsMoreThanThePartWaitsAsLongAsHeSaid() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk claim = cache.get(key(1), loads);
    HeldLoads.Held load = filled();
    load.partComes(part(load.destination(), FROM, TO));
    assertThatExceptionOfType(TimeoutException.class)
        .isThrownBy(() -> copy(claim, 0, LENGTH, Duration.ofMillis(50)));
    load.succeedWith(all(load.destination()));
  }

  @Test
  void aPartThatIsNotWhatItsHashSaysFailsWhoWaitsAndCancelsTheRest() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk ofPart = cache.get(key(1), loads);
    PendingChunk ofAll = cache.get(key(1), loads);
    HeldLoads.Held load = filled();
    Part wrong = part(load.destination(), FROM, TO);
    load.destination().set(ValueLayout.JAVA_BYTE, FROM + 5, (byte) 99);
    load.partComes(wrong);
    assertThatExceptionOfType(CorruptChunkException.class)
        .isThrownBy(() -> copy(ofPart, FROM, 4, SOON));
    assertThatExceptionOfType(CorruptChunkException.class).isThrownBy(() -> ofAll.await(SOON));
    assertThat(load.isCancelled()).isTrue();
    load.fail(new IOException("cancelled"));
    assertThat(cache.stats().rejected()).isEqualTo(1);
  }

  @Test
  void aRestThatIsNotWhatItsHashSaysFailsWhoWaitsForIt() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk ofPart = cache.get(key(1), loads);
    PendingChunk ofAll = cache.get(key(1), loads);
    HeldLoads.Held load = filled();
    load.partComes(part(load.destination(), FROM, TO));
    assertThat(copy(ofPart, FROM, 8, SOON)).isEqualTo(there(load, FROM, 8));
    Arrival all = all(load.destination());
    load.destination().set(ValueLayout.JAVA_BYTE, TO + 5, (byte) 99);
    load.succeedWith(all);
    assertThatExceptionOfType(CorruptChunkException.class).isThrownBy(() -> ofAll.await(SOON));
    assertThat(cache.peek(key(1))).isNull();
  }

  @Test
  void afterTheRestHasFailedNothingIsCopiedFromThePart() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk before = cache.get(key(1), loads);
    PendingChunk after = cache.get(key(1), loads);
    HeldLoads.Held load = filled();
    load.partComes(part(load.destination(), FROM, TO));
    assertThat(copy(before, FROM, 8, SOON)).isEqualTo(there(load, FROM, 8));
    IOException why = new IOException("the lane is gone");
    load.fail(why);
    caches.endVerifying();
    // The slot may be another chunk's by now.
    assertThatExceptionOfType(ChunkLoadException.class)
        .isThrownBy(() -> copy(after, FROM, 8, SOON))
        .withCause(why);
  }

  @Test
  void theSlotIsNotGivenBackWhileThePartIsBeingVerified() throws Exception {
    Queue<Runnable> verifying = new ConcurrentLinkedQueue<>();
    try (ChunkCache cache = new ChunkCache(1 << 20, TestBytes.BLAKE3, verifying::add)) {
      PendingChunk claim = cache.get(key(1), loads);
      HeldLoads.Held load = filled();
      load.partComes(part(load.destination(), FROM, TO));
      load.fail(new IOException("the lane is gone"));
      assertThat(verifying).as("tasks that may run at once").hasSize(1);
      assertThat(Caches.slotsUsed(cache)).isEqualTo(1);
      verifying.remove().run();
      assertThat(verifying).isEmpty();
      assertThat(Caches.slotsUsed(cache)).isZero();
      assertThatExceptionOfType(ChunkLoadException.class)
          .isThrownBy(() -> copy(claim, 0, LENGTH, SOON));
    }
  }

  @Test
  void aLoadOfWhichAPartWasReadIsCancelledWhenNobodyWantsIt() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk claim = cache.get(key(1), loads);
    HeldLoads.Held load = filled();
    load.partComes(part(load.destination(), FROM, TO));
    assertThat(copy(claim, FROM, 8, SOON)).isEqualTo(there(load, FROM, 8));
    assertThat(cache.cancelIfUnwanted(key(1))).isTrue();
    assertThat(load.isCancelled()).isTrue();
    load.fail(new IOException("cancelled"));
  }

  @Test
  void restsThatNobodyWaitsForTakeAQuarterOfTheSlotsAtMost() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    List<HeldLoads.Held> begun = new ArrayList<>();
    for (int index = 0; index < 5; index++) {
      PendingChunk claim = cache.get(key(index), loads);
      HeldLoads.Held load = loads.take(key(index));
      TestBytes.fill(key(index), load.destination(), LENGTH);
      load.partComes(part(load.destination(), FROM, TO));
      copy(claim, FROM, 8, SOON);
      begun.add(load);
    }
    assertThat(begun.stream().map(HeldLoads.Held::isCancelled))
        .containsExactly(false, false, true, true, true);
    begun.get(0).succeedWith(all(begun.get(0).destination()));
    begun.stream().skip(1).forEach(load -> load.fail(new IOException("cancelled")));
    caches.endVerifying();
    assertThat(cache.stats().chunks()).isEqualTo(1);
  }

  @Test
  void theRestOfWhatIsNotKeptIsNotLoaded() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk claim = cache.get(key(1), loads);
    HeldLoads.Held load = filled();
    cache.invalidate(_ -> true);
    load.partComes(part(load.destination(), FROM, TO));
    assertThat(copy(claim, FROM, 8, SOON)).isEqualTo(there(load, FROM, 8));
    assertThat(load.isCancelled()).isTrue();
    load.fail(new IOException("cancelled"));
  }

  @Test
  void whoJoinsALoadHurriesIt() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk first = cache.get(key(1), loads);
    HeldLoads.Held load = filled();
    assertThat(load.isHurried()).isFalse();
    PendingChunk second = cache.get(key(1), loads);
    assertThat(load.isHurried()).isTrue();
    load.succeedWith(all(load.destination()));
    first.await(SOON).release();
    second.await(SOON).release();
  }

  @Test
  void copyOfAChunkThatIsThereReleasesIt() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    PendingChunk claim = cache.get(key(1), loads);
    HeldLoads.Held load = loads.take(key(1));
    load.succeed(LENGTH);
    assertThat(copy(claim, 7, 100, SOON)).isEqualTo(there(load, 7, 100));
    assertThat(copy(cache.get(key(1), loads), LENGTH - 1, 1, Duration.ZERO))
        .isEqualTo(there(load, LENGTH - 1, 1));
  }

  @Test
  void aPartComesOverTheNetworkWhereTheDiskWasAskedFirst() throws Exception {
    ChunkCache cache = caches.ofSlots(8);
    cache.attach(DiskTier.open(folder, 64 << 20, 0, TestBytes.BLAKE3, Clock.systemUTC()));
    FileVersion older = new FileVersion(1, 2, 3, 4, 5, 7);
    // With the second chunk, all of the first one's has been written.
    for (ChunkKey before : List.of(new ChunkKey(older, 1), new ChunkKey(older, 2))) {
      PendingChunk other = cache.get(before, loads);
      loads.awaitBegun(1);
      loads.take(before).succeed(LENGTH);
      other.await(SOON).release();
    }
    awaitOnDisk(cache, 2);
    PendingChunk claim = cache.get(key(1), loads);
    loads.awaitBegun(1);
    HeldLoads.Held load = filled();
    assertThat(load.known()).as("what the disk has of another version").isPresent();
    load.partComes(part(load.destination(), FROM, TO));
    assertThat(copy(claim, FROM, 8, SOON)).isEqualTo(there(load, FROM, 8));
    load.succeedWith(all(load.destination()));
    cache.get(key(1), loads).await(SOON).release();
    awaitOnDisk(cache, 3);
  }

  private static void awaitOnDisk(ChunkCache cache, int chunks) throws Exception {
    long until = System.nanoTime() + SOON.toNanos();
    while (cache.diskStats().orElseThrow().contents() < chunks) {
      assertThat(System.nanoTime()).isLessThan(until);
      Thread.sleep(1);
    }
  }

  @Test
  void partsLeaveNoGapAndDoNotOverlap() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(LENGTH);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Arrival.of(List.of(part(bytes, 0, FROM), part(bytes, TO, LENGTH))));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Arrival.of(List.of(part(bytes, 0, TO), part(bytes, FROM, LENGTH))));
      assertThat(all(bytes).length()).isEqualTo(LENGTH);
    }
  }
}
