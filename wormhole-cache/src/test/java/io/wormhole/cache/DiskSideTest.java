package io.wormhole.cache;

import static io.wormhole.cache.TestBytes.assertIsChunk;
import static io.wormhole.cache.TestBytes.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.ram.Chunk;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A cache with a disk behind it. */
class DiskSideTest {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final Duration BRIEF = Duration.ofMillis(50);
  private static final Duration LONG = Duration.ofHours(1);
  private static final int LENGTH = 128 << 10;

  @RegisterExtension private final Caches caches = new Caches();
  @TempDir private Path folder;

  private final HeldLoads loads = new HeldLoads();
  private ChunkCache cache;

  @BeforeEach
  void open() throws IOException {
    cache = opened();
  }

  @AfterEach
  void close() {
    cache.close();
  }

  private ChunkCache opened() throws IOException {
    return cacheOn(new DiskSide(openedTier()));
  }

  private ChunkCache cacheOn(DiskSide disk) {
    ChunkCache made = new ChunkCache(4 << 20, TestBytes.BLAKE3, caches.verifying());
    made.attach(disk);
    return made;
  }

  private DiskTier openedTier() throws IOException {
    return DiskTier.open(folder.resolve("l2"), 64 << 20, 0, TestBytes.BLAKE3, Clock.systemUTC());
  }

  private void restart() throws IOException {
    cache.close();
    cache = opened();
  }

  private void read(long index) throws Exception {
    PendingChunk claim = cache.get(key(index), loads);
    loads.awaitBegun(1);
    loads.take(key(index)).succeed(LENGTH);
    claim.await(SOON).release();
  }

  /** Chunks that come faster than the disk writes are not all kept. */
  private void awaitOnDisk(int chunks) throws Exception {
    long until = System.nanoTime() + SOON.toNanos();
    while (cache.diskStats().orElseThrow().contents() < chunks) {
      assertThat(System.nanoTime()).isLessThan(until);
      Thread.sleep(1);
    }
  }

  private void readFromDisk(long index) throws Exception {
    Chunk chunk = cache.get(key(index), loads).await(SOON);
    assertThat(loads.has(key(index))).isFalse();
    assertThat(chunk.length()).isEqualTo(LENGTH);
    assertIsChunk(key(index), chunk);
    chunk.release();
  }

  @Test
  void whatWasLoadedOnceIsOnTheDiskAfterARestart() throws Exception {
    for (long index : new long[] {0, 1, 511, 512, 100_000}) {
      read(index);
    }
    assertThat(cache.stats().fetched()).isEqualTo(5);
    restart();
    for (long index : new long[] {0, 1, 511, 512, 100_000}) {
      readFromDisk(index);
    }
    assertThat(cache.diskStats().orElseThrow().hits()).isEqualTo(5);
    assertThat(cache.stats().loads()).isEqualTo(5);
    assertThat(cache.stats().fetched()).isZero();
  }

  @Test
  void whatTheMemoryDroppedComesFromTheDisk() throws Exception {
    for (int index = 0; index < 100; index++) {
      read(index);
    }
    restart();
    readFromDisk(0);
    cache.invalidate(_ -> true);
    readFromDisk(0);
  }

  @Test
  void whatIsOnTheDiskTakesNoMemoryWhileNothingIsRead() throws Exception {
    cache.close();
    ExecutorService readers = Executors.newSingleThreadExecutor();
    cache = cacheOn(new DiskSide(openedTier(), readers, DiskSide.PATIENCE, BRIEF));
    for (int index = 0; index < 10; index++) {
      read(index);
      awaitOnDisk(index + 1);
    }
    PendingChunk claim = cache.get(key(10), loads);
    HeldLoads.Held young = loads.take(key(10));
    Arrival come = TestBytes.fill(key(10), young.destination(), LENGTH);
    young.succeedWith(new Arrival(LENGTH, come.hash(), come.chainingValues(), true));
    claim.await(SOON).release();
    Chunk held = cache.get(key(0), loads).await(SOON);
    long until = System.nanoTime() + SOON.toNanos();
    while ((cache.stats().chunks() > 1 || cache.stats().ramBytes() > 2L * LENGTH)
        && System.nanoTime() - until < 0) {
      Thread.sleep(10);
    }
    assertThat(cache.stats().chunks()).as("the disk does not have the young one").isEqualTo(1);
    assertThat(cache.stats().ramBytes()).as("and one is held by a reader").isEqualTo(2L * LENGTH);
    assertIsChunk(key(0), held);
    held.release();
    cache.get(key(10), loads).await(SOON).release();
    assertThat(loads.has(key(10))).isFalse();
    for (int index = 0; index < 10; index++) {
      readFromDisk(index);
    }
  }

  @Test
  void youngVersionsAreNotKept() throws Exception {
    PendingChunk claim = cache.get(key(0), loads);
    HeldLoads.Held held = loads.take(key(0));
    Arrival come = TestBytes.fill(key(0), held.destination(), LENGTH);
    held.succeedWith(new Arrival(LENGTH, come.hash(), come.chainingValues(), true));
    claim.await(SOON).release();
    restart();
    read(0);
  }

  @Test
  void whatIsNotOnTheDiskIsLoaded() throws Exception {
    read(0);
    restart();
    read(1);
    readFromDisk(0);
  }

  private static final FileVersion NEWER = new FileVersion(1, 2, 3, 4, 7, 8);

  /** A load of a chunk of the newer version, which is told of the older one's. */
  private HeldLoads.Held newer(ChunkKey key) throws Exception {
    loads.awaitBegun(1);
    HeldLoads.Held held = loads.take(key);
    assertThat(held.known()).isPresent();
    return held;
  }

  private static void assertIs(ChunkKey key, PendingChunk claim) throws Exception {
    Chunk chunk = claim.await(SOON);
    assertThat(chunk.length()).isEqualTo(LENGTH);
    assertIsChunk(key, chunk);
    chunk.release();
  }

  @Test
  void whatAnotherVersionHasIsNotLoadedAgain() throws Exception {
    for (long index : new long[] {0, 1, 600}) {
      read(index);
    }
    restart();
    for (long index : new long[] {0, 600}) {
      ChunkKey key = new ChunkKey(NEWER, index);
      PendingChunk claim = cache.get(key, loads);
      newer(key).succeedWith(Arrival.known(LENGTH, false));
      assertIs(key(index), claim);
    }
    // Of the new version it is known from now on, and the older one's rest helps on.
    restart();
    assertIs(key(600), cache.get(new ChunkKey(NEWER, 600), loads));
    ChunkKey one = new ChunkKey(NEWER, 1);
    PendingChunk claim = cache.get(one, loads);
    newer(one).succeed(LENGTH);
    assertIs(one, claim);
  }

  @Test
  void aChunkThatIsNotTheSameComesOverTheNetwork() throws Exception {
    read(0);
    restart();
    ChunkKey key = new ChunkKey(NEWER, 0);
    PendingChunk claim = cache.get(key, loads);
    newer(key).succeed(LENGTH);
    assertIs(key, claim);
  }

  @Test
  void whatTheHostCallsTheSameAndCannotBeComesAsBytes() throws Exception {
    read(0);
    restart();
    ChunkKey key = new ChunkKey(NEWER, 0);
    PendingChunk claim = cache.get(key, loads);
    newer(key).succeedWith(Arrival.known(LENGTH - 1, false));
    loads.awaitBegun(1);
    HeldLoads.Held again = loads.take(key);
    assertThat(again.known()).isEmpty();
    again.succeed(LENGTH);
    assertIs(key, claim);
  }

  @Test
  void whatIsYoungIsNotKeptThoughItIsTheSame() throws Exception {
    read(0);
    restart();
    ChunkKey key = new ChunkKey(NEWER, 0);
    PendingChunk claim = cache.get(key, loads);
    newer(key).succeedWith(Arrival.known(LENGTH, true));
    assertIs(key(0), claim);
    restart();
    PendingChunk again = cache.get(key, loads);
    newer(key).succeed(LENGTH);
    assertIs(key, again);
  }

  @Test
  void whatDoesNotComeFromASlowDiskThoughItIsTheSameComesAsBytes() throws Exception {
    read(0);
    StuckDisk disk = restartOnAStuckDisk(Duration.ofSeconds(1));
    ChunkKey key = new ChunkKey(NEWER, 0);
    PendingChunk claim = cache.get(key, loads);
    disk.goOn();
    newer(key).succeedWith(Arrival.known(LENGTH, false));
    loads.awaitBegun(1);
    HeldLoads.Held again = loads.take(key);
    again.succeed(LENGTH);
    assertIs(key, claim);
    disk.goOn();
  }

  @Test
  void cancelledReadLeavesNothingBehind() throws Exception {
    read(0);
    restart();
    for (int i = 0; i < 100; i++) {
      cache.invalidate(_ -> true);
      cache.prefetch(key(0), loads);
      cache.cancelIfUnwanted(key(0));
    }
    readFromDisk(0);
  }

  /** A disk that does nothing until it is told to, or answers each at once. */
  private static final class StuckDisk extends AbstractExecutorService {
    private final BlockingQueue<Runnable> held = new LinkedBlockingQueue<>();
    private volatile boolean answers;
    private volatile boolean shutdown;

    @Override
    public void execute(Runnable task) {
      if (answers) {
        task.run();
        return;
      }
      if (held.size() >= 2) {
        throw new RejectedExecutionException();
      }
      held.add(task);
    }

    void goOn() {
      for (Runnable task = held.poll(); task != null; task = held.poll()) {
        task.run();
      }
    }

    @Override
    public void shutdown() {
      shutdown = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
      shutdown = true;
      return List.of();
    }

    @Override
    public boolean isShutdown() {
      return shutdown;
    }

    @Override
    public boolean isTerminated() {
      return shutdown;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return shutdown;
    }
  }

  private StuckDisk restartOnAStuckDisk(Duration patience) throws IOException {
    cache.close();
    StuckDisk disk = new StuckDisk();
    cache = cacheOn(new DiskSide(openedTier(), disk, patience, DiskSide.REST_AFTER));
    return disk;
  }

  @Test
  void whatASlowDiskDoesNotBringComesOverTheNetwork() throws Exception {
    for (int index = 0; index <= DiskSide.MOST_LATE; index++) {
      read(index);
    }
    StuckDisk disk = restartOnAStuckDisk(BRIEF);
    for (int index = 0; index < DiskSide.MOST_LATE; index++) {
      read(index);
      disk.held.clear();
    }
    // The next one does not wait for the disk at all.
    read(DiskSide.MOST_LATE);
    assertThat(disk.held).isEmpty();
    Chunk chunk = cache.get(key(0), loads).await(SOON);
    assertIsChunk(key(0), chunk);
    chunk.release();
  }

  /** Where nobody can be asked. */
  private static final class NoWay implements ChunkLoader {
    @Override
    public boolean hasWay() {
      return false;
    }

    @Override
    public PendingLoad load(ChunkKey key, MemorySegment destination) {
      throw new IllegalStateException("nobody can be asked");
    }
  }

  @Test
  void whatNobodyElseHasIsWaitedForHoweverSlowTheDisk() throws Exception {
    for (int index = 0; index <= DiskSide.MOST_LATE + 1; index++) {
      read(index);
    }
    StuckDisk disk = restartOnAStuckDisk(BRIEF);
    for (int index = 0; index < DiskSide.MOST_LATE; index++) {
      read(index);
      disk.held.clear();
    }
    assertThat(cache.mayHave(key(DiskSide.MOST_LATE), false)).isFalse();
    assertThat(cache.mayHave(key(DiskSide.MOST_LATE), true)).isTrue();
    ChunkKey wanted = key(DiskSide.MOST_LATE);
    PendingChunk claim = cache.get(wanted, new NoWay());
    assertThatThrownBy(() -> cache.get(wanted, new NoWay()).await(BRIEF.multipliedBy(4)))
        .isInstanceOf(TimeoutException.class);
    disk.goOn();
    assertIs(wanted, claim);
    disk.answers = true;
    assertThatThrownBy(() -> cache.get(key(1000), new NoWay()).await(SOON))
        .hasRootCauseMessage("nobody can be asked");
  }

  @Test
  void aDiskThatIsLateNowAndThenIsAskedOn() throws Exception {
    for (int index = 0; index <= 2 * DiskSide.MOST_LATE; index++) {
      read(index);
    }
    StuckDisk disk = restartOnAStuckDisk(BRIEF);
    for (int index = 0; index < 2 * DiskSide.MOST_LATE; index += 2) {
      disk.answers = false;
      read(index);
      disk.held.clear();
      disk.answers = true;
      readFromDisk(index + 1);
    }
    readFromDisk(2 * DiskSide.MOST_LATE);
  }

  @Test
  void lateAnswerOfTheDiskIsNotWrittenOverWhatTheNetworkBrings() throws Exception {
    read(0);
    StuckDisk disk = restartOnAStuckDisk(BRIEF);
    PendingChunk claim = cache.get(key(0), loads);
    loads.awaitBegun(1);
    HeldLoads.Held network = loads.take(key(0));
    network.destination().fill((byte) 7);
    disk.goOn();
    assertThat(network.destination().get(ValueLayout.JAVA_BYTE, LENGTH - 1)).isEqualTo((byte) 7);
    network.succeed(LENGTH);
    Chunk chunk = claim.await(SOON);
    assertIsChunk(key(0), chunk);
    chunk.release();
  }

  @Test
  void moreReadsThanADiskTakesComeOverTheNetworkAtOnce() throws Exception {
    for (int index = 0; index < 4; index++) {
      read(index);
    }
    StuckDisk disk = restartOnAStuckDisk(LONG);
    List<PendingChunk> claims = new ArrayList<>();
    for (int index = 0; index < 4; index++) {
      claims.add(cache.get(key(index), loads));
    }
    loads.awaitBegun(2);
    disk.goOn();
    loads.take(key(2)).succeed(LENGTH);
    loads.take(key(3)).succeed(LENGTH);
    for (int index = 0; index < 4; index++) {
      Chunk chunk = claims.get(index).await(SOON);
      assertIsChunk(key(index), chunk);
      chunk.release();
    }
  }

  @Test
  void cancelledReadOfASlowDiskGivesItsMemoryBack() throws Exception {
    read(0);
    StuckDisk disk = restartOnAStuckDisk(LONG);
    cache.prefetch(key(0), loads);
    assertThat(cache.cancelIfUnwanted(key(0))).isTrue();
    disk.goOn();
    caches.endVerifying();
    assertThat(loads.has(key(0))).isFalse();
    Caches.assertHoldsNothingUnasked(cache);
  }
}
