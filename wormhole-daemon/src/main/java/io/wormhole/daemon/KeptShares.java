package io.wormhole.daemon;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shares that are the daemon's own, kept in {@code hosted.json}: the next daemon of this home
 * shares them again. Any thread.
 */
final class KeptShares {
  private static final Logger log = LoggerFactory.getLogger(KeptShares.class);
  private static final String FILE = "hosted.json";

  /** A disk that is not there at the start may be later. */
  private static final Duration AGAIN = Duration.ofSeconds(30);

  private final StateList<KeptShare> shares;

  /**
   * @throws IOException if what the daemon is to share again cannot be read
   */
  KeptShares(Path stateFolder) throws IOException {
    shares = new StateList<>(stateFolder.resolve(FILE), KeptShare.class);
  }

  /** Shares one of them again. */
  interface Reopening {
    /**
     * Tries once.
     *
     * @throws ControlException if it is not shared; it is tried again later
     */
    void reopen(KeptShare share) throws ControlException, InterruptedException;
  }

  boolean has(KeptShare share) {
    return shares.all().contains(share);
  }

  boolean has(String directory) {
    return shares.all().stream().anyMatch(share -> share.directory().equals(directory));
  }

  /** Keeps a share, in the place of another hosting of the same folder. */
  void keep(KeptShare share) throws ControlException {
    try {
      shares.put(other -> other.directory().equals(share.directory()), share);
    } catch (IOException unwritable) {
      throw unwritable("the share cannot be kept for a restart", unwritable);
    }
  }

  /** Whether the folder was kept. */
  boolean forget(String directory) throws ControlException {
    try {
      return shares.removeIf(share -> share.directory().equals(directory));
    } catch (IOException unwritable) {
      throw unwritable("the share will be back after a restart", unwritable);
    }
  }

  /**
   * Has them all shared again. Returns when all of it is there, or when it is interrupted: what is
   * missing is tried again.
   */
  void restore(Predicate<KeptShare> isThere, Reopening reopening) throws InterruptedException {
    Set<String> told = new HashSet<>();
    while (true) {
      List<KeptShare> missing = shares.all().stream().filter(isThere.negate()).toList();
      boolean all = true;
      for (KeptShare share : missing) {
        try {
          reopening.reopen(share);
        } catch (ControlException | DateTimeParseException refused) {
          all = false;
          if (told.add(share.directory())) {
            log.warn("{} is not shared again yet: {}", share.directory(), Hosting.message(refused));
          }
        }
      }
      if (all) {
        return;
      }
      Thread.sleep(AGAIN);
    }
  }

  private static ControlException unwritable(String what, IOException failure) {
    return new ControlException(
        ErrorKind.FAILED,
        what + ": " + Hosting.message(failure),
        "make room, or mend the rights of the state folder",
        failure);
  }
}
