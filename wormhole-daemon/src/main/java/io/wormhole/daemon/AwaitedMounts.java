package io.wormhole.daemon;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.StatusAnswer.MountStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Mounts of before a restart that are not there again yet. Each is tried on a virtual thread of its
 * own until its host answers, or it is given up. Any thread.
 */
final class AwaitedMounts {
  private static final Logger log = LoggerFactory.getLogger(AwaitedMounts.class);
  private static final long FIRST_PAUSE_MILLIS = 250;
  private static final long LAST_PAUSE_MILLIS = 15_000;

  private final List<Awaited> all = new CopyOnWriteArrayList<>();

  /** Tries once to mount what was mounted. */
  interface Attempt {
    /**
     * Mounts it, or fails.
     *
     * @param still whether it is wanted yet; asked when it is mounted, and false at most once
     * @throws ControlException if it is not mounted; {@link ErrorKind#NOT_AUTHORISED} if there is
     *     no use in trying again
     */
    void mount(KeptMount kept, Still still) throws ControlException, InterruptedException;
  }

  /** Whether a mount is wanted yet. */
  interface Still {
    /** Says so, and that it is awaited no more. */
    boolean arrived();
  }

  private static final class Awaited {
    final KeptMount kept;
    volatile @Nullable Thread thread;
    volatile @Nullable String trouble;
    volatile boolean hopeless;

    Awaited(KeptMount kept) {
      this.kept = kept;
    }
  }

  /** Waits for a mount from now on. */
  void add(KeptMount kept, Attempt attempt) {
    Awaited awaited = new Awaited(kept);
    all.add(awaited);
    awaited.thread = Thread.ofVirtual().name("remount").start(() -> await(awaited, attempt));
  }

  /** Gives up those that match; they will not be mounted. */
  List<KeptMount> giveUp(Predicate<KeptMount> meant) {
    List<KeptMount> given = new ArrayList<>();
    for (Awaited awaited : List.copyOf(all)) {
      if (meant.test(awaited.kept) && all.remove(awaited)) {
        given.add(awaited.kept);
        Thread waiting = awaited.thread;
        if (waiting != null) {
          waiting.interrupt();
        }
      }
    }
    return given;
  }

  List<MountStatus> status() {
    return all.stream().map(AwaitedMounts::status).toList();
  }

  private static MountStatus status(Awaited awaited) {
    return new MountStatus(
        awaited.kept.name(),
        awaited.kept.directory(),
        awaited.kept.share(),
        awaited.kept.host(),
        awaited.hopeless ? MountStatus.State.OFFLINE : MountStatus.State.RECONNECTING,
        null,
        null,
        null,
        0,
        null,
        null,
        0,
        "none",
        "it is mounted once its host answers",
        0,
        awaited.trouble);
  }

  private void await(Awaited awaited, Attempt attempt) {
    long pauseMillis = FIRST_PAUSE_MILLIS;
    try {
      while (all.contains(awaited)) {
        if (tried(awaited, attempt)) {
          return;
        }
        Thread.sleep(ThreadLocalRandom.current().nextLong(pauseMillis / 2, pauseMillis));
        pauseMillis = Math.min(2 * pauseMillis, LAST_PAUSE_MILLIS);
      }
    } catch (InterruptedException givenUp) {
      log.debug("{} is not awaited any more", awaited.kept.directory());
    }
  }

  /** Whether there is nothing more to try. */
  private boolean tried(Awaited awaited, Attempt attempt) throws InterruptedException {
    KeptMount kept = awaited.kept;
    try {
      attempt.mount(kept, () -> all.remove(awaited));
      return true;
    } catch (ControlException failed) {
      if (awaited.trouble == null) {
        log.info("{} is not mounted again yet: {}", kept.directory(), failed.getMessage());
      }
      awaited.trouble = failed.error().line();
      awaited.hopeless = failed.kind() == ErrorKind.NOT_AUTHORISED;
      return awaited.hopeless;
    }
  }
}
