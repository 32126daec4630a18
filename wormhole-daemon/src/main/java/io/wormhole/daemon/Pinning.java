package io.wormhole.daemon;

import io.wormhole.cache.ChunkCache;
import io.wormhole.cache.PinnedChunks;
import io.wormhole.cache.disk.DiskStats;
import io.wormhole.daemon.mount.HostLink;
import io.wormhole.daemon.mount.PinWalk;
import io.wormhole.daemon.mount.PinWalk.Disk;
import io.wormhole.daemon.mount.PinWalk.Figures;
import io.wormhole.protocol.control.CacheEvent;
import io.wormhole.protocol.control.CacheEvent.Fetching;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.PinsAnswer;
import io.wormhole.protocol.control.PinsAnswer.Pin;
import io.wormhole.protocol.control.PinsAnswer.State;
import io.wormhole.protocol.settings.ByteSize;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What of the mounts is kept on this disk, in {@code pins.json} until it is unpinned. Each is
 * looked at once a minute while its host is there, one after the other. Any thread.
 */
final class Pinning {
  private static final Logger log = LoggerFactory.getLogger(Pinning.class);
  private static final Duration BETWEEN = Duration.ofMinutes(1);

  /** When a file changes just now, or a host is away, it is looked at again sooner. */
  private static final Duration SOON = Duration.ofSeconds(3);

  private static final int MOST_SOON = 5;

  /** A walk that was stopped waits for its host no longer than one call takes, and for the disk. */
  private static final Duration ENDS_WITHIN = Duration.ofMinutes(2);

  private static final Duration STEP = Duration.ofMillis(250);

  private final KeptPins pins;
  private final Supplier<List<RunningMount>> mounts;
  private final ChunkCache cache;
  private final DiskCache disk;
  private final Map<Integer, Look> looks = new ConcurrentHashMap<>();
  private final Semaphore wake = new Semaphore(0);
  private @Nullable Thread looking;
  private volatile boolean stopping;

  /** Something is to be unpinned on the disk yet. */
  private volatile boolean owed;

  /** How it stands with a pin; of the thread that looks, read by any. */
  private static final class Look {
    /** Looks that somebody wants; a look that begins serves all that were wanted by then. */
    private final AtomicInteger wanted = new AtomicInteger();

    private volatile int served;
    private volatile @Nullable PinWalk walk;
    private volatile @Nullable Figures last;
    private volatile boolean waiting;
    private volatile int soon;
    private long dueNanos = System.nanoTime();
  }

  /**
   * @param mounts every one of now, in the order in which they were made
   */
  Pinning(KeptPins pins, Supplier<List<RunningMount>> mounts, ChunkCache cache, DiskCache disk) {
    this.pins = pins;
    this.mounts = mounts;
    this.cache = cache;
    this.disk = disk;
  }

  /** Looks after what was pinned before. Does not wait. */
  synchronized void begin() {
    if (looking == null && !stopping && !pins.all().isEmpty()) {
      disk.begin();
      // Interrupts would close the cache's files.
      looking = Thread.ofPlatform().daemon().name("pinning").start(this::look);
    }
  }

  PinsAnswer all() {
    return new PinsAnswer(pins.all().stream().map(this::pin).toList());
  }

  /**
   * Keeps a file or folder of a mount on this disk from now on, and waits until it is there. It
   * stays pinned whoever ends the wait. What is pinned already is looked at once more.
   *
   * @param path absolute, without links
   * @param events told how far it is; never blocks
   * @throws ControlException if it cannot be pinned
   */
  Pin pin(Path path, Consumer<CacheEvent> events) throws ControlException, InterruptedException {
    RunningMount mount = connected(path);
    KeptPin wanted = wanted(path, mount);
    Optional<KeptPin> covering = covering(wanted);
    if (covering.isPresent()) {
      return looked(covering.get(), events);
    }
    disk.check();
    PinWalk measuring = mount.remote().pin(wanted.wireNames(), null);
    walked(measuring, now -> events.accept(new Fetching(wanted.path(), 0, now.bytes())));
    Figures measured = measuring.figures();
    if (!measured.isWhole()) {
      throw new ControlException(
          ErrorKind.UNREADABLE, "cannot pin it: " + measured.trouble(), "try again");
    }
    KeptPin added = add(wanted, measured);
    begin();
    return looked(added, events);
  }

  /**
   * Fetches a file or folder of a mount to this disk, and leaves it to the cache how long it stays.
   * What was fetched when the wait ends stays too.
   *
   * @param path absolute, without links
   * @param events told how far it is; never blocks
   * @return how it stands with it, as if it were a pin
   * @throws ControlException if it cannot be fetched
   */
  Pin warm(Path path, Consumer<CacheEvent> events) throws ControlException, InterruptedException {
    RunningMount mount = connected(path);
    KeptPin wanted = wanted(path, mount);
    Optional<KeptPin> covering = covering(wanted);
    if (covering.isPresent()) {
      return looked(covering.get(), events);
    }
    disk.check();
    int number = -wanted.id();
    List<PinWalk> walks = new CopyOnWriteArrayList<>();
    pins.passes(number);
    try {
      PinnedChunks here =
          cache
              .pinned(number)
              .orElseThrow(() ->
                  new ControlException(ErrorKind.FAILED, "there is no disk cache", "try again"));
      while (true) {
        PinWalk walk = mount.remote().pin(wanted.wireNames(), new Disk(here, here));
        walks.add(walk);
        walked(
            walk, now -> events.accept(new Fetching(wanted.path(), now.bytesKept(), now.bytes())));
        Figures figures = walk.figures();
        if (figures.unsettled() == 0 || walks.size() > MOST_SOON || stopping) {
          return pin(wanted, state(figures), figures);
        }
        Thread.sleep(SOON);
      }
    } finally {
      // Whoever waits may have gone: this is done all the same.
      Thread ending =
          Thread.ofPlatform().daemon().name("pin-end").start(() -> passed(number, walks));
      ending.join();
    }
  }

  private void passed(int number, List<PinWalk> walks) {
    try {
      for (PinWalk walk : walks) {
        walk.awaitEnd(ENDS_WITHIN);
      }
      pins.passed(number);
      letGo();
    } catch (InterruptedException never) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits for a walk, on a thread that nobody interrupts; it stops if the wait ends before. */
  private static void walked(PinWalk walk, Consumer<Figures> progress) throws InterruptedException {
    Thread walking = Thread.ofPlatform().daemon().name("pin-walk").start(walk::run);
    try {
      while (!walking.join(STEP)) {
        progress.accept(walk.figures());
      }
    } finally {
      walk.stop();
    }
  }

  private RunningMount connected(Path path) throws ControlException {
    RunningMount mount = around(path);
    if (!isThere(mount)) {
      throw new ControlException(
          ErrorKind.UNREACHABLE,
          "the host of " + mount.name() + " is away",
          "try again when wormhole status says connected");
    }
    return mount;
  }

  private Optional<KeptPin> covering(KeptPin wanted) {
    return pins.all().stream().filter(pin -> pin.covers(wanted)).findFirst();
  }

  /** A pin, once it was looked at. */
  private Pin looked(KeptPin pin, Consumer<CacheEvent> events) throws InterruptedException {
    Look look = lookOf(pin);
    look.waiting = false;
    int mine = look.wanted.incrementAndGet();
    wake.release();
    while (!look.waiting && !isSettled(look, mine) && !stopping && pins.all().contains(pin)) {
      PinWalk walk = look.walk;
      Figures now = walk == null ? null : walk.figures();
      events.accept(
          new Fetching(
              pin.path(), now == null ? 0 : now.bytesKept(), now == null ? 0 : now.bytes()));
      Thread.sleep(STEP);
    }
    return pin(pin);
  }

  private Look lookOf(KeptPin pin) {
    return looks.computeIfAbsent(pin.id(), _ -> new Look());
  }

  /** Whether it was looked at, and nothing of it changed just then; or did so all the time. */
  private static boolean isSettled(Look look, int mine) {
    Figures last = look.last;
    return look.served >= mine && last != null && (last.unsettled() == 0 || look.soon > MOST_SOON);
  }

  /** The cache was cleared: everything is looked at at once. */
  void lookNow() {
    for (Look look : looks.values()) {
      look.last = null;
      look.wanted.incrementAndGet();
    }
    wake.release();
  }

  /** Keeps it no longer. */
  PinsAnswer unpin(String path) throws ControlException, InterruptedException {
    List<KeptPin> meant = pins.all().stream().filter(pin -> pin.path().equals(path)).toList();
    if (meant.isEmpty()) {
      Optional<KeptPin> above =
          pins.all().stream().filter(pin -> Path.of(path).startsWith(pin.path())).findFirst();
      throw new ControlException(
          ErrorKind.FAILED,
          path
              + " is not pinned"
              + above.map(pin -> ", but " + pin.path() + " is, and all below it").orElse(""),
          "wormhole cache pin shows what is");
    }
    PinsAnswer were = new PinsAnswer(meant.stream().map(this::pin).toList());
    forget(meant);
    letGo();
    return were;
  }

  /** Has the disk unpin what pins had that are no more; if it refuses now, then later. */
  private void letGo() throws InterruptedException {
    owed = true;
    try {
      disk.keepPins();
      owed = false;
    } catch (ControlException refused) {
      log.debug("what is unpinned stays for now", refused);
    }
  }

  private void forget(List<KeptPin> unpinned) throws ControlException {
    try {
      pins.removeIf(unpinned::contains);
    } catch (IOException unwritable) {
      throw unwritable(unwritable);
    }
    for (KeptPin each : unpinned) {
      Look look = looks.remove(each.id());
      PinWalk walk = look == null ? null : look.walk;
      if (walk != null) {
        walk.stop();
      }
    }
  }

  private RunningMount around(Path path) throws ControlException {
    return mounts.get().reversed().stream()
        .filter(mount -> path.startsWith(mount.directory()))
        .findFirst()
        .orElseThrow(() ->
            new ControlException(
                ErrorKind.NOT_MOUNTED,
                path + " is in no mount of this daemon",
                "wormhole status shows what is mounted where"));
  }

  private KeptPin wanted(Path path, RunningMount mount) {
    List<String> names =
        StreamSupport.stream(Path.of(mount.directory()).relativize(path).spliterator(), false)
            .map(Path::toString)
            .filter(name -> !name.isEmpty())
            .toList();
    return new KeptPin(
        ThreadLocalRandom.current().nextInt(1, Integer.MAX_VALUE),
        ThreadLocalRandom.current().nextInt(1, Integer.MAX_VALUE),
        path.toString(),
        mount.source().host().toString(),
        mount.source().share().toString(),
        names,
        0);
  }

  /** Those below it stay until all of it is here. */
  private synchronized KeptPin add(KeptPin wanted, Figures measured) throws ControlException {
    checkRoom(wanted, measured.blockBytes());
    int way =
        pins.all().stream()
            .filter(wanted::isOfShareOf)
            .map(KeptPin::way)
            .findFirst()
            .orElse(wanted.way());
    KeptPin added = wanted.of(way, measured.blockBytes());
    try {
      pins.add(added);
    } catch (IOException unwritable) {
      throw unwritable(unwritable);
    }
    return added;
  }

  private void checkRoom(KeptPin wanted, long wantedBytes) throws ControlException {
    DiskStats stats = cache.diskStats().orElseThrow();
    long others = 0;
    for (KeptPin pin : pins.all()) {
      if (!wanted.covers(pin)) {
        Figures last = lookOf(pin).last;
        others += Math.max(pin.bytes(), last == null ? 0 : last.blockBytes());
      }
    }
    if (others + wantedBytes > stats.pinnableBytes()) {
      throw new ControlException(
          ErrorKind.FAILED,
          "it takes %s, and %s are pinned already: that is more than the %s that may be, of %s"
              .formatted(
                  ByteSize.text(wantedBytes),
                  ByteSize.text(others),
                  ByteSize.text(stats.pinnableBytes()),
                  ByteSize.text(stats.limitBytes())),
          "unpin something, or make the cache larger: wormhole cache resize SIZE");
    }
  }

  private static ControlException unwritable(IOException why) {
    return new ControlException(
        ErrorKind.FAILED,
        "the state folder cannot be written: " + Hosting.message(why),
        "make room, or mend its rights",
        why);
  }

  private Pin pin(KeptPin pin) {
    Look look = lookOf(pin);
    PinWalk walk = look.walk;
    Figures last = look.last;
    Figures shown = last == null && walk != null ? walk.figures() : last;
    boolean there = mountOf(pin).isPresent() && cache.diskStats().isPresent();
    if (shown == null) {
      return new Pin(pin.path(), there ? State.FETCHING : State.WAITING, 0, 0, 0, null);
    }
    return pin(pin, there ? state(shown) : State.WAITING, shown);
  }

  private static Pin pin(KeptPin pin, State state, Figures figures) {
    return new Pin(
        pin.path(), state, figures.files(), figures.bytesKept(), figures.bytes(), trouble(figures));
  }

  private static State state(Figures figures) {
    if (figures.full() || figures.failed() > 0 || figures.trouble() != null) {
      return State.INCOMPLETE;
    }
    return figures.isWhole() && figures.bytesKept() == figures.bytes()
        ? State.CURRENT
        : State.FETCHING;
  }

  private static @Nullable String trouble(Figures figures) {
    if (figures.full()) {
      return "there is no room for all of it: wormhole cache resize SIZE, or unpin something";
    }
    return figures.trouble();
  }

  private Optional<RunningMount> mountOf(KeptPin pin) {
    return mounts.get().stream().filter(pin::isOf).filter(Pinning::isThere).findFirst();
  }

  private static boolean isThere(RunningMount mount) {
    return mount.remote().link().state() == HostLink.State.CONNECTED;
  }

  private void look() {
    while (!stopping) {
      long nextNanos = BETWEEN.toNanos();
      for (KeptPin pin : pins.all()) {
        nextNanos = Math.min(nextNanos, lookAt(pin));
      }
      try {
        if (owed && !stopping) {
          letGo();
        }
        var _ = wake.tryAcquire(Math.max(1, nextNanos), TimeUnit.NANOSECONDS);
        wake.drainPermits();
      } catch (InterruptedException ends) {
        return;
      }
    }
  }

  /** How long until it is to be looked at again, in nanoseconds. */
  private long lookAt(KeptPin pin) {
    Look look = lookOf(pin);
    long left = look.dueNanos - System.nanoTime();
    int asked = look.wanted.get();
    if (stopping || (left > 0 && look.served >= asked)) {
      return left;
    }
    Duration pause = SOON;
    try {
      Optional<RunningMount> mount = mountOf(pin);
      Optional<PinnedChunks> chunks = cache.pinned(pin.id());
      Optional<PinnedChunks> way = cache.pinned(pin.way());
      look.waiting = mount.isEmpty() || chunks.isEmpty() || way.isEmpty();
      if (!look.waiting) {
        PinWalk walk = mount.get().remote().pin(pin.wireNames(), new Disk(chunks.get(), way.get()));
        look.walk = walk;
        Figures figures = stopping ? walk.figures() : walk.run();
        int soon = figures.unsettled() > 0 ? look.soon + 1 : 0;
        look.soon = soon;
        look.last = figures;
        pause = soon > 0 && soon <= MOST_SOON ? SOON : BETWEEN;
        settle(pin, figures);
      }
    } catch (RuntimeException | Error bug) {
      log.error("{} could not be looked at", pin.path(), bug);
      pause = BETWEEN;
    }
    look.served = asked;
    look.dueNanos = System.nanoTime() + pause.toNanos();
    return look.wanted.get() > asked ? 0 : pause.toNanos();
  }

  /** Those below a pin are of no more use once all of it is here; nor is one that was removed. */
  private void settle(KeptPin pin, Figures figures) {
    List<KeptPin> useless =
        pins.all().stream()
            .filter(other -> !other.equals(pin) && pin.covers(other))
            .filter(_ -> state(figures) == State.CURRENT)
            .toList();
    try {
      if (!useless.isEmpty()) {
        forget(useless);
        owed = true;
      }
    } catch (ControlException unwritable) {
      log.warn("{} stays pinned twice: {}", pin.path(), unwritable.getMessage());
    }
    if (!pins.all().contains(pin)) {
      looks.remove(pin.id());
      owed = true;
    }
  }

  /** Looks at nothing any more. What is pinned stays so. Does not wait. */
  void stop() {
    stopping = true;
    List<PinWalk> walks = new ArrayList<>();
    for (Look look : looks.values()) {
      PinWalk walk = look.walk;
      if (walk != null) {
        walks.add(walk);
      }
    }
    walks.forEach(PinWalk::stop);
    wake.release();
  }
}
