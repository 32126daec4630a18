package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.SourcePrefix;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.PakeSecret;
import io.wormhole.protocol.join.Ticket;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.RefusalReason;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The codes and tickets that open something at this host, by nameplate. In memory only: they end
 * with the daemon. A share may have several. The codes themselves are not kept, only what they
 * stretch to, which is computed once, when they are made.
 *
 * <p>Any thread.
 */
public final class LiveCodes {
  /** Codes that may be live at once. */
  public static final int MAX_CODES = 1024;

  /** Nameplates to draw before it is said that there is none; one in a thousand is in use. */
  private static final int MAX_DRAWS = 100;

  private static final Logger LOG = LoggerFactory.getLogger(LiveCodes.class);

  private final Fingerprint self;
  private final TakenNameplates taken;
  private final Clock clock;
  private final SecureRandom random;
  private final Map<Integer, LiveCode> byNameplate = new HashMap<>();

  /**
   * A code that was made, and the ticket beside it: either lets its holder in.
   *
   * @param expiresAt when both end
   */
  public record Issued(JoinCode code, Ticket ticket, Instant expiresAt) {}

  /**
   * @param self this side's own certificate, for tickets
   * @param taken what other hosts use
   */
  public LiveCodes(Fingerprint self, TakenNameplates taken, Clock clock, SecureRandom random) {
    this.self = self;
    this.taken = taken;
    this.clock = clock;
    this.random = random;
  }

  /**
   * Makes a code of an unused nameplate, or takes the chosen one, and a ticket with it. Takes about
   * two tenths of a second of one core, and half a second of asking the network.
   *
   * @throws CodeUnavailableException if the chosen code's nameplate is in use here or near, or
   *     {@link #MAX_CODES} are live
   */
  public Issued add(Offer offer, CodeTerms terms) throws CodeUnavailableException {
    TakenNameplates near = isReached(terms) ? taken : TakenNameplates.NONE;
    JoinCode code = terms.chosen().isPresent() ? free(terms.chosen().get(), near) : draw(near);
    Ticket ticket =
        Ticket.generate(self, offer.share(), code.nameplate(), terms.addresses(), random);
    PakeSecret ofCode = PakeSecret.of(code);
    PakeSecret ofTicket = PakeSecret.of(ticket);
    Instant expiresAt = clock.instant().plus(terms.life());
    LiveCode live = new LiveCode(code.nameplate(), offer, terms, expiresAt, ofCode, ofTicket);
    boolean kept = false;
    try {
      keep(live, code);
      kept = true;
    } finally {
      if (!kept) {
        ofCode.close();
        ofTicket.close();
      }
    }
    return new Issued(code, ticket, expiresAt);
  }

  /** Whether anybody but this machine can dial the host. */
  private static boolean isReached(CodeTerms terms) {
    return terms.addresses().isEmpty()
        || !terms.addresses().stream()
            .allMatch(address -> address.getAddress().isLoopbackAddress());
  }

  private JoinCode draw(TakenNameplates near) throws CodeUnavailableException {
    for (int i = 0; i < MAX_DRAWS; i++) {
      JoinCode code = JoinCode.generate(random);
      if (!isKept(code.nameplate()) && !near.isTaken(code.nameplate())) {
        return code;
      }
    }
    throw new CodeUnavailableException(
        "no unused nameplate was found for a code", "try again in a minute");
  }

  private JoinCode free(JoinCode chosen, TakenNameplates near) throws CodeUnavailableException {
    if (isKept(chosen.nameplate())) {
      throw inUse(chosen);
    }
    if (near.isTaken(chosen.nameplate())) {
      throw new CodeUnavailableException(
          "another host on this network has a code %s".formatted(chosen.masked()),
          "choose other first four symbols, or leave --code away to get a new code");
    }
    return chosen;
  }

  private synchronized void keep(LiveCode live, JoinCode code) throws CodeUnavailableException {
    if (byNameplate.size() >= MAX_CODES) {
      throw new CodeUnavailableException(
          MAX_CODES + " codes are live at this host", "end a share that is not needed");
    }
    if (byNameplate.putIfAbsent(code.nameplate(), live) != null) {
      throw inUse(code);
    }
  }

  private static CodeUnavailableException inUse(JoinCode code) {
    return new CodeUnavailableException(
        "a code %s is in use at this host".formatted(code.masked()),
        "end that share, or leave --code away to get a new code");
  }

  private synchronized boolean isKept(int nameplate) {
    return byNameplate.containsKey(nameplate);
  }

  /** Whether a code of this nameplate is live here. */
  public synchronized boolean has(int nameplate) {
    LiveCode code = byNameplate.get(nameplate);
    return code != null && code.isLive();
  }

  /** Until when somebody can come to a share by code; empty if nobody can. */
  public synchronized Optional<Instant> liveUntil(ShareId share) {
    return byNameplate.values().stream()
        .filter(code -> code.isLive() && code.offer.share().equals(share))
        .map(code -> code.expiresAt)
        .max(Comparator.naturalOrder());
  }

  /** Ends a code and its ticket; who has joined with them stays. */
  public synchronized void remove(JoinCode code) {
    LiveCode ended = byNameplate.remove(code.nameplate());
    if (ended != null) {
      ended.end();
    }
  }

  /** Ends all codes of a share. */
  public synchronized void removeShare(ShareId share) {
    byNameplate
        .values()
        .removeIf(code -> {
          boolean its = code.offer.share().equals(share);
          if (its) {
            code.end();
          }
          return its;
        });
  }

  /** Ends the codes whose time is over, and tells their owners. Called now and then. */
  public void expire() {
    List<Runnable> tell = new ArrayList<>();
    synchronized (this) {
      Instant now = clock.instant();
      for (LiveCode code : byNameplate.values()) {
        Runnable expired = code.expireBy(now);
        if (expired != null) {
          tell.add(expired);
          LOG.info("The code {} has expired", JoinCode.masked(code.nameplate));
        }
      }
    }
    tell.forEach(Runnable::run);
  }

  /** Ends the codes that a peer has proved; their owners are told. */
  void removeKnownTo(Fingerprint peer) {
    List<Runnable> tell = new ArrayList<>();
    synchronized (this) {
      byNameplate
          .values()
          .removeIf(code -> {
            Runnable words = code.endFor(peer);
            if (words != null) {
              tell.add(words);
            }
            return code.isKnownTo(peer);
          });
    }
    tell.forEach(Runnable::run);
  }

  /**
   * Begins an attempt to prove a code or its ticket; the caller closes it. This is the one way to a
   * secret, and so the place where guesses are counted and expiry is seen: the guess is taken here,
   * and comes back with {@link Attempt#admit} or {@link Attempt#forgive}.
   *
   * @param byTicket whether the peer has the ticket; nobody guesses one, so that is not counted
   * @throws RefusedException with what the peer is to be told
   */
  Attempt begin(int nameplate, boolean byTicket, SourcePrefix source) throws RefusedException {
    expire();
    synchronized (this) {
      LiveCode code = byNameplate.get(nameplate);
      if (code == null) {
        throw new RefusedException(
            RefusalReason.REFUSAL_REASON_UNKNOWN_CODE, "no such code is live at this host");
      }
      code.requireLive(byTicket);
      if (!byTicket) {
        code.takeGuess(source, clock.instant());
      }
      return new Attempt(code, byTicket ? null : source, code.copyOf(byTicket));
    }
  }

  /** One peer's try at one code or ticket, with a copy of the secret that outlives the code. */
  final class Attempt implements AutoCloseable {
    private final LiveCode code;
    private final @Nullable SourcePrefix guessOf;
    private final PakeSecret secret;
    private boolean settled;
    private boolean admitted;

    private Attempt(LiveCode code, @Nullable SourcePrefix guessOf, PakeSecret secret) {
      this.code = code;
      this.guessOf = guessOf;
      this.secret = secret;
    }

    Offer offer() {
      return code.offer;
    }

    PakeSecret secret() {
      return secret;
    }

    /** What the peer sent was no guess: nothing was told to it. */
    void forgive() {
      synchronized (LiveCodes.this) {
        giveBack();
      }
    }

    /**
     * The peer has proved the secret: its guess comes back, and a code for one use ends with it.
     *
     * @param peer whose key it is
     * @throws RefusedException if the code has ended meanwhile; of two who prove a code for one use
     *     at the same moment the second hears that
     */
    void admit(Fingerprint peer) throws RefusedException {
      Runnable tell;
      synchronized (LiveCodes.this) {
        giveBack();
        code.requireLive(guessOf == null);
        tell = code.use(peer);
        admitted = true;
      }
      if (tell != null) {
        tell.run();
      }
    }

    /** Refuses if the code, or the share with it, was ended meanwhile by others than this peer. */
    void requireLive() throws RefusedException {
      synchronized (LiveCodes.this) {
        if (!code.isLiveFor(admitted)) {
          code.requireLive(guessOf == null);
        }
      }
    }

    /** Wipes the secret; a guess that was not right by now was wrong. */
    @Override
    public void close() {
      secret.close();
      Runnable tell = null;
      synchronized (LiveCodes.this) {
        if (!settled) {
          settled = true;
          tell = guessOf == null ? null : code.wrongGuess();
        }
      }
      if (tell != null) {
        LOG.warn(
            "The code {} of share \"{}\" was guessed at {} times in vain and is dead",
            JoinCode.masked(code.nameplate),
            code.offer.shareName(),
            Guesses.WRONG_ALLOWED);
        tell.run();
      }
    }

    private void giveBack() {
      if (!settled) {
        settled = true;
        if (guessOf != null) {
          code.guesses.right(guessOf);
        }
      }
    }
  }
}
