package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.message.RefusalReason;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The peers that are in, by their lanes and by the tokens they have not used yet. Any thread. */
final class Sessions {
  /** Sessions of one key at a time: one for each of its mounts, and those it left unsaid. */
  static final int MAX_SESSIONS = 32;

  private final SecureRandom random;
  private final Map<Lane, PeerSession> byLane = new ConcurrentHashMap<>();
  private final Map<LaneToken, PeerSession> byToken = new ConcurrentHashMap<>();

  Sessions(SecureRandom random) {
    this.random = random;
  }

  /**
   * A peer has come in; its session ends with its control lane.
   *
   * @throws RefusedException BUSY if it is in as often as it may be
   */
  PeerSession open(HostHandshake.Proven proven, Lane control) throws RefusedException {
    PeerSession session = new PeerSession(proven, control, this);
    synchronized (this) {
      if (all().stream().filter(each -> each.peer().equals(control.peer())).count()
          >= MAX_SESSIONS) {
        throw new RefusedException(
            RefusalReason.REFUSAL_REASON_BUSY,
            "this peer is in %d times already".formatted(MAX_SESSIONS));
      }
      byLane.put(control, session);
    }
    var unusedEnd = control.closed().thenAccept(why -> session.end(reasonFor(why)));
    return session;
  }

  /** Why bulk lanes end with their control lane: it is a goodbye only if that was one of ours. */
  private static CloseReason reasonFor(LaneException why) {
    return why.kind() == LaneException.Kind.CLOSED_HERE ? why.reason() : CloseReason.DONE;
  }

  /**
   * Uses up a token.
   *
   * @return the session that the lane belongs to now
   * @throws RefusedException if there is no such token, it was another key's, the session has
   *     ended, or it has as many lanes as it may
   */
  PeerSession redeem(LaneToken token, Lane lane) throws RefusedException {
    PeerSession session = byToken.remove(token);
    if (session == null || !session.peer().equals(lane.peer())) {
      throw noSuchToken();
    }
    session.admit(token, lane);
    byLane.put(lane, session);
    var unusedEnd =
        lane.closed()
            .thenRun(() -> {
              byLane.remove(lane);
              session.left(lane);
            });
    return session;
  }

  static RefusedException noSuchToken() {
    return new RefusedException(
        RefusalReason.REFUSAL_REASON_BAD_TOKEN, "this token opens no lane, or no longer");
  }

  /** Whose lane it is; null for a lane that is not in. */
  @Nullable PeerSession of(Lane lane) {
    return byLane.get(lane);
  }

  /**
   * By their control lanes: a session is over with it, though a bulk lane of it may still close.
   */
  List<PeerSession> all() {
    return byLane.entrySet().stream()
        .filter(entry -> entry.getKey().equals(entry.getValue().control()))
        .map(Map.Entry::getValue)
        .toList();
  }

  /** Whether a peer of this key is in. */
  boolean has(Fingerprint peer) {
    return byLane.values().stream().anyMatch(session -> session.peer().equals(peer));
  }

  LaneToken newToken() {
    return LaneToken.random(random);
  }

  void issued(LaneToken token, PeerSession session) {
    byToken.put(token, session);
  }

  void voided(LaneToken token) {
    byToken.remove(token);
  }

  void left(PeerSession session) {
    byLane.remove(session.control());
  }

  /** Tokens and lanes that are known, for a test of what is left behind. */
  int size() {
    return byLane.size() + byToken.size();
  }
}
