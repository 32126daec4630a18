package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.SourcePrefix;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.PakeSecret;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.message.RefusalReason;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A code and its ticket, what they open, and what has become of them. One that has ended by itself
 * stays, without its secrets, as long as its owner, so that a peer can be told why. Under the lock
 * of {@link LiveCodes}.
 */
final class LiveCode {
  /** How it stands. */
  enum State {
    LIVE,
    /** It let in as many as it may. */
    USED,
    EXPIRED,
    /** By its owner, or with its share. */
    ENDED
  }

  /** Keys that may prove one code. */
  static final int MOST_PEERS = 1024;

  final int nameplate;
  final Offer offer;
  final Instant expiresAt;
  final Guesses guesses = new Guesses();
  private final boolean once;
  private final Consumer<String> ended;
  private final PakeSecret code;
  private final PakeSecret ticket;

  /** At most {@link #MOST_PEERS}: whoever is sent away must be found here. */
  private final Set<Fingerprint> knownTo = new HashSet<>();

  private State state = State.LIVE;

  /** Guessed at too often; the ticket, which nobody can guess, is as good as before. */
  private boolean guessedDead;

  LiveCode(
      int nameplate,
      Offer offer,
      CodeTerms terms,
      Instant expiresAt,
      PakeSecret code,
      PakeSecret ticket) {
    this.nameplate = nameplate;
    this.offer = offer;
    this.once = terms.once();
    this.ended = terms.ended();
    this.expiresAt = expiresAt;
    this.code = code;
    this.ticket = ticket;
  }

  boolean isLive() {
    return state == State.LIVE;
  }

  boolean isKnownTo(Fingerprint peer) {
    return knownTo.contains(peer);
  }

  /** Whether an attempt may go on: the code is live, or ended by this very attempt. */
  boolean isLiveFor(boolean admitted) {
    return state == State.LIVE || (admitted && (state == State.USED || state == State.EXPIRED));
  }

  PakeSecret copyOf(boolean byTicket) {
    return (byTicket ? ticket : code).copy();
  }

  /** Refuses one who comes too late, too often, or with what is dead. */
  void requireLive(boolean byTicket) throws RefusedException {
    RefusedException why =
        switch (state) {
          case LIVE -> byTicket || !guessedDead ? null : dead();
          case USED -> unknown("this code is used up");
          case EXPIRED -> unknown("this code has expired");
          case ENDED ->
              new RefusedException(
                  RefusalReason.REFUSAL_REASON_SHARE_ENDED, "the share or its code has ended");
        };
    if (why != null) {
      throw why;
    }
  }

  void takeGuess(SourcePrefix source, Instant now) throws RefusedException {
    if (!guesses.take(source, now)) {
      throw new RefusedException(
          RefusalReason.REFUSAL_REASON_TOO_MANY_GUESSES,
          "this code was guessed at too often just now; it takes one guess a minute");
    }
  }

  /** A peer has proved it. Returns what its owner is to be told, null for nothing. */
  @Nullable Runnable use(Fingerprint peer) {
    knownTo.add(peer);
    if (once) {
      return end(State.USED, "it was good for one use, and was used");
    }
    return knownTo.size() < MOST_PEERS ? null : end(State.USED, MOST_PEERS + " peers have used it");
  }

  /** One who has proved it was sent away, and could come with it again. */
  @Nullable Runnable endFor(Fingerprint peer) {
    if (!isKnownTo(peer)) {
      return null;
    }
    boolean told = state != State.LIVE;
    // Also where it was used up: by a proof that is still under way, perhaps.
    end();
    return told ? null : tell("a peer that has used it was sent away");
  }

  @Nullable Runnable expireBy(Instant now) {
    return now.isBefore(expiresAt) ? null : end(State.EXPIRED, "it has expired");
  }

  @Nullable Runnable wrongGuess() {
    if (!guesses.wrong() || state != State.LIVE) {
      return null;
    }
    guessedDead = true;
    code.close();
    return tell(
        "it was guessed at %d times in vain, and opens nothing any more; the ticket still does"
            .formatted(Guesses.WRONG_ALLOWED));
  }

  /** By its owner, who needs not be told. */
  void end() {
    state = State.ENDED;
    code.close();
    ticket.close();
  }

  private @Nullable Runnable end(State how, String words) {
    if (state != State.LIVE) {
      return null;
    }
    state = how;
    code.close();
    ticket.close();
    return tell(words);
  }

  private Runnable tell(String words) {
    return () -> ended.accept("the code " + JoinCode.masked(nameplate) + " has ended: " + words);
  }

  private static RefusedException dead() {
    return new RefusedException(
        RefusalReason.REFUSAL_REASON_CODE_DEAD,
        "this code was guessed at too often, and is dead for good");
  }

  private static RefusedException unknown(String words) {
    return new RefusedException(RefusalReason.REFUSAL_REASON_UNKNOWN_CODE, words);
  }
}
