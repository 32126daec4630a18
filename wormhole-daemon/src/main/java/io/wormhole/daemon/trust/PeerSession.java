package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.RefusalReason;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A peer that was let in to one share, from its proof until its control lane ends: what it may, its
 * lanes, and the tokens for more of them. When the control lane ends, the tokens are void and the
 * bulk lanes are closed.
 *
 * <p>Any thread.
 */
public final class PeerSession {
  /** Bulk lanes a peer may have at once; two overlap while one drains. */
  static final int MAX_BULK_LANES = 4;

  /** Tokens that may be unused at once; a further one makes the oldest void. */
  static final int MAX_TOKENS = 4;

  private final HostHandshake.Proven proven;
  private final Lane control;
  private final Sessions sessions;

  private final Set<Lane> bulk = new LinkedHashSet<>();
  private final Set<LaneToken> tokens = new LinkedHashSet<>();
  private boolean ended;

  PeerSession(HostHandshake.Proven proven, Lane control, Sessions sessions) {
    this.proven = proven;
    this.control = control;
    this.sessions = sessions;
  }

  /** The peer's key. */
  public Fingerprint peer() {
    return control.peer();
  }

  /** What the peer calls itself: fit for a terminal, trusted in nothing. */
  public String displayName() {
    return proven.displayName();
  }

  public ShareId share() {
    return proven.offer().share();
  }

  /** Whether it may write. */
  public boolean writable() {
    return proven.writable();
  }

  /** The lane it joined on. */
  public Lane control() {
    return control;
  }

  /** Its bulk lanes that are open now, the newest last. A snapshot. */
  public synchronized List<Lane> bulkLanes() {
    return List.copyOf(bulk);
  }

  /** A token for one more bulk lane; of no use once the session has ended. */
  public LaneToken newLaneToken() {
    LaneToken token = sessions.newToken();
    synchronized (this) {
      if (ended) {
        return token;
      }
      if (tokens.size() >= MAX_TOKENS) {
        LaneToken oldest = tokens.iterator().next();
        tokens.remove(oldest);
        sessions.voided(oldest);
      }
      tokens.add(token);
      sessions.issued(token, this);
    }
    return token;
  }

  /** Whether it has not ended. */
  synchronized boolean isIn() {
    return !ended;
  }

  /** Closes every lane for this reason, and so ends the session. */
  public void close(CloseReason reason) {
    // First: the end of the control lane would give the bulk lanes a reason of its own.
    end(reason);
    control.close(reason);
  }

  /**
   * Takes a bulk lane in. Its token is used up either way.
   *
   * @throws RefusedException if the session has ended, or has as many lanes as it may
   */
  void admit(LaneToken used, Lane lane) throws RefusedException {
    synchronized (this) {
      tokens.remove(used);
      if (ended) {
        throw Sessions.noSuchToken();
      }
      if (bulk.size() >= MAX_BULK_LANES) {
        throw new RefusedException(
            RefusalReason.REFUSAL_REASON_BUSY,
            "this peer has %d bulk lanes, and may have no more".formatted(MAX_BULK_LANES));
      }
      bulk.add(lane);
    }
  }

  synchronized void left(Lane lane) {
    bulk.remove(lane);
  }

  /** Voids the tokens and closes the bulk lanes. Does nothing the second time. */
  void end(CloseReason reason) {
    Set<Lane> open;
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
      open = Set.copyOf(bulk);
      tokens.forEach(sessions::voided);
      tokens.clear();
    }
    sessions.left(this);
    open.forEach(lane -> lane.close(reason));
  }

  /** Who it is and where, for a log; nothing secret. */
  @Override
  public String toString() {
    return "\"%s\" %s at %s".formatted(displayName(), peer(), control.remoteAddress());
  }
}
