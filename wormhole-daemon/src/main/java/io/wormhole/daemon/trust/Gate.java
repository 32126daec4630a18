package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.SourcePrefix;
import io.wormhole.daemon.transport.SourceQuota;
import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.WireException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The host's door: every lane that a peer makes comes here, and nothing behind it is reached before
 * the peer has proved a code, has come back with a key that has a grant, or has shown a token that
 * was given to the same key on a live control lane.
 *
 * <p>Those nobody knows yet are few: {@value #STRANGERS} in all and {@value #STRANGERS_PER_SOURCE}
 * of one source, until each has proved a code or ten seconds are over. Who has a grant is not
 * counted, so that a crowd at the door keeps no friend out.
 *
 * <p>Any thread; nothing here waits.
 */
public final class Gate implements Endpoint.LaneAcceptor {
  /** Strangers who may be at the door at once, in all and of one source. */
  static final int STRANGERS = 64;

  static final int STRANGERS_PER_SOURCE = 4;

  private static final Logger LOG = LoggerFactory.getLogger(Gate.class);

  private final Fingerprint self;
  private final LiveCodes codes;
  private final PinnedPeers pins;
  private final SessionAcceptor acceptor;
  private final Executor executor;
  private final ScheduledExecutorService timer;
  private final SecureRandom random;
  private final Sessions sessions;
  private final SourceQuota strangers = new SourceQuota(STRANGERS, STRANGERS_PER_SOURCE);
  private final ReturningPeers returning;

  /**
   * @param self this side's own certificate
   * @param executor runs the handshakes: some milliseconds of a core each, and a write of the pins;
   *     one that refuses more work makes the gate refuse more peers
   * @param timer only ends what takes too long
   */
  public Gate(
      Fingerprint self,
      LiveCodes codes,
      PinnedPeers pins,
      SessionAcceptor acceptor,
      Executor executor,
      ScheduledExecutorService timer,
      SecureRandom random) {
    this.self = self;
    this.codes = codes;
    this.pins = pins;
    this.acceptor = acceptor;
    this.executor = executor;
    this.timer = timer;
    this.random = random;
    this.sessions = new Sessions(random);
    this.returning = new ReturningPeers(pins, acceptor::hosted);
  }

  @Override
  public FrameHandler accepted(Lane lane) {
    if (pins.isKnown(lane.peer()) || sessions.has(lane.peer())) {
      return new PendingLane(this, lane, () -> {}).handler();
    }
    Optional<SourceQuota.Place> place = strangers.take(SourcePrefix.of(lane.remoteAddress()));
    if (place.isEmpty()) {
      LOG.debug("{} at {} is sent away: too many strangers", lane.peer(), lane.remoteAddress());
      lane.close(CloseReason.BUSY);
      return new Leaving();
    }
    var unusedEnd = lane.closed().thenRun(place.get()::leave);
    return new PendingLane(this, lane, place.get()::leave).handler();
  }

  /** Strangers who are at the door now. */
  int strangers() {
    return strangers.taken();
  }

  @Override
  public FrameHandler stream(Lane lane) {
    PeerSession session = sessions.of(lane);
    return session == null ? new Leaving() : handler(session, lane);
  }

  /** The peers that are in. A snapshot. */
  public List<PeerSession> sessions() {
    return sessions.all();
  }

  /** Who was let in, ever, and may be again. A snapshot. */
  public List<Grant> grants() {
    return pins.grants();
  }

  /** Ends a share: its codes open nothing any more, and its peers' lanes are closed. */
  public void endShare(ShareId share) {
    codes.removeShare(share);
    for (PeerSession session : sessions.all()) {
      if (session.share().equals(share)) {
        session.close(CloseReason.GOODBYE);
      }
    }
  }

  /**
   * Sends a peer away for good: it has no grant any more, the codes it knows open nothing, and its
   * lanes are closed. A new code lets it in again.
   *
   * @return what it had been granted
   * @throws IOException if the grants could not be taken away on the disk; its lanes are closed all
   *     the same
   */
  public List<Grant> revoke(Fingerprint peer) throws IOException {
    Predicate<Grant> its = grant -> grant.peer().equals(peer);
    codes.removeKnownTo(peer);
    List<Grant> revoked;
    try {
      revoked = pins.forget(its, _ -> false).grants();
    } finally {
      for (PeerSession session : sessions.all()) {
        if (session.peer().equals(peer)) {
          session.close(CloseReason.REVOKED);
        }
      }
    }
    // One that was being made when its session was closed.
    pins.forget(its, _ -> false);
    return revoked;
  }

  FrameHandler handler(PeerSession session, Lane lane) {
    return lane.equals(session.control())
        ? acceptor.control(session)
        : acceptor.bulk(session, lane);
  }

  HostHandshake newHandshake(Lane lane) {
    return new HostHandshake(
        Versions.OURS,
        codes,
        returning,
        lane.peer(),
        SourcePrefix.of(lane.remoteAddress()),
        self,
        random);
  }

  Sessions registry() {
    return sessions;
  }

  PinnedPeers pins() {
    return pins;
  }

  Executor executor() {
    return executor;
  }

  ScheduledExecutorService timer() {
    return timer;
  }

  /** Has a stream of a lane that is being closed: its session ended, or it is sent away. */
  private static final class Leaving implements FrameHandler {
    @Override
    public void frame(FrameStream stream, FrameType type, ByteBuffer payload) throws WireException {
      throw new WireException("a frame on a lane that is being closed");
    }

    @Override
    public void ended(FrameStream stream, LaneException why) {
      // Nobody had begun to work on it.
    }
  }
}
