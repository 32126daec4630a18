package io.wormhole.daemon;

import io.wormhole.cache.ChunkCache;
import io.wormhole.cache.disk.DiskTier;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.settings.ByteSize;
import io.wormhole.protocol.settings.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.DoubleConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this daemon keeps on disk of what it has read. It is opened when it is first needed, in the
 * background, as that takes seconds after a crash: until then all comes over the network. What
 * keeps it from being opened, a full disk or another daemon, may pass: it is tried again.
 */
final class DiskCache {
  private static final Logger log = LoggerFactory.getLogger(DiskCache.class);
  private static final int FREE_PART = 20;
  private static final long FREE_MOST = 2L << 30;
  private static final Duration AGAIN_AFTER = Duration.ofSeconds(30);

  /** Longer than it takes to open a million chunks after a crash. */
  private static final long OPEN_SECONDS = 15;

  private final Path folder;
  private final Settings settings;
  private final ChunkCache cache;
  private final Supplier<Set<Integer>> pins;
  private final Blake3 blake3;
  private final Clock clock;
  private final AtomicBoolean begun = new AtomicBoolean();
  private final CountDownLatch tried = new CountDownLatch(1);
  private volatile long wantedBytes;
  private volatile @Nullable DiskTier opened;
  private volatile String why = "it is still being opened";

  /**
   * @param folder made if it is not there
   * @param cache has the disk behind it from when it is open, and closes it
   * @param pins that there are; what others had is unpinned
   */
  DiskCache(
      Path folder,
      Settings settings,
      ChunkCache cache,
      Supplier<Set<Integer>> pins,
      Blake3 blake3,
      Clock clock) {
    this.folder = folder;
    this.settings = settings;
    this.wantedBytes = settings.cacheBytes();
    this.cache = cache;
    this.pins = pins;
    this.blake3 = blake3;
    this.clock = clock;
  }

  /** Sees to it that it is opened soon. Does not wait. */
  void begin() {
    if (!begun.compareAndSet(false, true)) {
      return;
    }
    if (settings.cacheBytes() == 0) {
      why = "cache.size was 0 when the daemon started";
      tried.countDown();
    } else {
      Thread.ofPlatform().daemon().name("disk-open").start(this::open);
    }
  }

  /**
   * The same, with another bound than the setting: from when it is open, or at once where it is.
   *
   * @throws ControlException if there is to be no disk cache
   */
  void begin(long bytes) throws ControlException, InterruptedException {
    wantedBytes = bytes;
    begin();
    if (opened != null || settings.cacheBytes() == 0) {
      var _ = resize(bytes);
    }
  }

  /** Waits until it is open, or was tried to be: some seconds at most. */
  void awaitOpen() throws InterruptedException {
    if (!tried.await(OPEN_SECONDS, TimeUnit.SECONDS)) {
      log.debug("The disk cache takes long to open");
    }
  }

  private void open() {
    String said = "";
    while (opened == null) {
      try {
        long bytes = wantedBytes;
        DiskTier tier = DiskTier.open(folder, bytes, free(), blake3, clock);
        cache.attach(tier);
        opened = tier;
        settle(tier, bytes);
      } catch (IOException | RuntimeException | LinkageError failed) {
        why = String.valueOf(failed.getMessage());
        if (!why.equals(said)) {
          log.warn("Nothing is kept on disk: {}", why);
          said = why;
        }
      }
      tried.countDown();
      if (opened == null && !sleep()) {
        return;
      }
    }
  }

  /** What was asked for while it was opened. */
  private void settle(DiskTier tier, long openedBytes) {
    try {
      if (wantedBytes != openedBytes) {
        tier.resize(wantedBytes);
      }
      tier.keepPins(pins.get());
    } catch (IOException refused) {
      log.warn("The disk cache is as large as it was, and keeps what it kept", refused);
    }
  }

  private long free() throws IOException {
    Path parent = Objects.requireNonNull(folder.getParent(), "a folder of its own");
    Files.createDirectories(parent);
    long disk = Files.getFileStore(parent).getTotalSpace();
    return settings.freeBytes().orElse(Math.min(disk / FREE_PART, FREE_MOST));
  }

  private static boolean sleep() {
    try {
      Thread.sleep(AGAIN_AFTER);
      return true;
    } catch (InterruptedException ends) {
      return false;
    }
  }

  /**
   * Sets another bound, at once.
   *
   * @return how many chunks went for it
   * @throws ControlException also if more is pinned than it has room for
   */
  long resize(long bytes) throws ControlException, InterruptedException {
    DiskTier now = tier();
    if (!now.fitsPinned(bytes)) {
      throw new ControlException(
          ErrorKind.FAILED,
          "%s are pinned: that is more than fits into %s"
              .formatted(ByteSize.text(now.stats().pinnedBytes()), ByteSize.text(bytes)),
          "choose more, or unpin something: wormhole cache pin shows what is");
    }
    return done(tier -> {
      long before = tier.stats().contents();
      tier.resize(bytes);
      return Math.max(0, before - tier.stats().contents());
    });
  }

  /** Unpins what pins had that there are no more; as it is when the cache is opened. */
  void keepPins() throws ControlException, InterruptedException {
    if (opened != null) {
      var _ =
          done(tier -> {
            tier.keepPins(pins.get());
            return 0;
          });
    }
  }

  /**
   * Waits until it is open.
   *
   * @throws ControlException if it is not
   */
  void check() throws ControlException, InterruptedException {
    var _ = tier();
  }

  /** Removes everything. How many chunks that were. */
  long clear() throws ControlException, InterruptedException {
    return done(tier -> {
      long before = tier.stats().contents();
      tier.clear();
      return before;
    });
  }

  /** Drops what no version of a file is made of any more. How many chunks that were. */
  long collect() throws ControlException, InterruptedException {
    return done(DiskTier::collect);
  }

  /**
   * Reads and hashes everything; ends early when the thread is interrupted.
   *
   * @param progress from 0 to 1, some times a second
   * @return how many chunks were dropped
   */
  long verify(DoubleConsumer progress) throws ControlException, InterruptedException {
    AtomicBoolean given = new AtomicBoolean();
    try {
      return done(tier ->
          tier.verify(part -> {
            progress.accept(part);
            return !given.get();
          }));
    } finally {
      given.set(true);
    }
  }

  /** Something that is done to the cache. */
  @FunctionalInterface
  private interface Work {
    long on(DiskTier tier) throws IOException;
  }

  /** On a platform thread of its own: an interrupt would close the cache's files. */
  private long done(Work work) throws ControlException, InterruptedException {
    DiskTier tier = tier();
    CompletableFuture<Long> result = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name("disk-change")
        .start(() -> {
          try {
            result.complete(work.on(tier));
          } catch (IOException | RuntimeException | Error failed) {
            result.completeExceptionally(failed);
          }
        });
    try {
      return result.get();
    } catch (ExecutionException failed) {
      throw new ControlException(
          ErrorKind.FAILED,
          "the disk cache: " + failed.getCause(),
          "the daemon's log may say more",
          failed);
    }
  }

  private DiskTier tier() throws ControlException, InterruptedException {
    begin();
    awaitOpen();
    DiskTier tier = opened;
    if (tier == null) {
      throw new ControlException(
          ErrorKind.FAILED,
          "there is no disk cache: " + why,
          "wormhole cache path shows where it would be, wormhole config get cache.size how large");
    }
    return tier;
  }
}
