package io.wormhole.daemon.trust;

import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.PakeSecret;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The codes that open something at this host, by nameplate. In memory only: they end with the
 * daemon. A share may have several. The codes themselves are not kept, only what they stretch to.
 *
 * <p>Any thread.
 */
public final class LiveCodes {
  /** Codes that may be live at once. */
  public static final int MAX_CODES = 1024;

  private final SecureRandom random;
  private final Map<Integer, LiveCode> byNameplate = new HashMap<>();

  public LiveCodes(SecureRandom random) {
    this.random = random;
  }

  /**
   * Makes a new code of an unused nameplate. Takes about a tenth of a second of one core.
   *
   * @throws CodeUnavailableException if {@link #MAX_CODES} are live
   */
  public JoinCode add(Offer offer) throws CodeUnavailableException {
    while (true) {
      JoinCode code = JoinCode.generate(random);
      if (!has(code.nameplate()) && keep(offer, code)) {
        return code;
      }
    }
  }

  /**
   * Takes a code that somebody chose. Takes about a tenth of a second of one core.
   *
   * @throws CodeUnavailableException if its nameplate is in use, or {@link #MAX_CODES} are live
   */
  public void add(Offer offer, JoinCode code) throws CodeUnavailableException {
    if (!keep(offer, code)) {
      throw new CodeUnavailableException(
          "the code %s is in use at this host".formatted(code.masked()),
          "leave --code away to get a new one");
    }
  }

  /** Whether a code of this nameplate is live here. */
  public synchronized boolean has(int nameplate) {
    return byNameplate.containsKey(nameplate);
  }

  /** Ends a code; who has joined with it stays. */
  public synchronized void remove(JoinCode code) {
    LiveCode ended = byNameplate.remove(code.nameplate());
    if (ended != null) {
      ended.secret.close();
    }
  }

  /** Ends all codes of a share. */
  public synchronized void removeShare(ShareId share) {
    Iterator<LiveCode> codes = byNameplate.values().iterator();
    while (codes.hasNext()) {
      LiveCode code = codes.next();
      if (code.offer.share().equals(share)) {
        codes.remove();
        code.secret.close();
      }
    }
  }

  /** Ends the codes that a peer has proved. */
  synchronized void removeKnownTo(Fingerprint peer) {
    Iterator<LiveCode> codes = byNameplate.values().iterator();
    while (codes.hasNext()) {
      LiveCode code = codes.next();
      if (code.knownTo.contains(peer)) {
        codes.remove();
        code.secret.close();
      }
    }
  }

  /**
   * Begins an attempt to prove the code of a nameplate; the caller closes it. This is the one way
   * to a code's secret, and so the place where guesses are counted and expiry is seen.
   */
  synchronized Optional<Attempt> begin(int nameplate) {
    return Optional.ofNullable(byNameplate.get(nameplate))
        .map(code -> new Attempt(code, code.secret.copy()));
  }

  /** Whether the code of an attempt has not been ended since. */
  synchronized boolean isLive(Attempt attempt) {
    return byNameplate.containsValue(attempt.code);
  }

  /** A peer has proved the code of an attempt; false if the code has been ended since. */
  synchronized boolean proved(Attempt attempt, Fingerprint peer) {
    attempt.code.knownTo.add(peer);
    return isLive(attempt);
  }

  private boolean keep(Offer offer, JoinCode code) throws CodeUnavailableException {
    PakeSecret secret = PakeSecret.of(code);
    synchronized (this) {
      if (byNameplate.size() >= MAX_CODES) {
        secret.close();
        throw new CodeUnavailableException(
            MAX_CODES + " codes are live at this host", "end a share that is not needed");
      }
      if (byNameplate.putIfAbsent(code.nameplate(), new LiveCode(offer, secret)) == null) {
        return true;
      }
    }
    secret.close();
    return false;
  }

  private static final class LiveCode {
    private final Offer offer;
    private final PakeSecret secret;

    /** Grows with good proofs alone. */
    private final Set<Fingerprint> knownTo = new HashSet<>();

    LiveCode(Offer offer, PakeSecret secret) {
      this.offer = offer;
      this.secret = secret;
    }
  }

  /** One peer's try at one code, with a copy of the secret that outlives the code. */
  static final class Attempt implements AutoCloseable {
    private final LiveCode code;
    private final PakeSecret secret;

    private Attempt(LiveCode code, PakeSecret secret) {
      this.code = code;
      this.secret = secret;
    }

    Offer offer() {
      return code.offer;
    }

    PakeSecret secret() {
      return secret;
    }

    @Override
    public void close() {
      secret.close();
    }
  }
}
