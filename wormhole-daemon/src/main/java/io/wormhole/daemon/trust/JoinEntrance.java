package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.protocol.join.Invitation;
import io.wormhole.protocol.join.PakeSecret;
import io.wormhole.protocol.join.Ticket;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.ClientHello;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A control lane by code or ticket. The secret is stretched while the lane is dialled; the curve's
 * work runs on the executor, the rest on the event loop.
 *
 * <p>Whoever moves the phase out of WORKING or an AWAIT has the handshake: the executor in WORKING,
 * else whoever ends the try.
 */
final class JoinEntrance extends Entrance<Joined> {
  private static final Logger LOG = LoggerFactory.getLogger(JoinEntrance.class);

  private enum Phase {
    WORKING,
    AWAIT_HELLO,
    AWAIT_CONFIRM,
    ENDED
  }

  private final Invitation invitation;
  private final Introduction introduction;
  private final Fingerprint self;
  private final BulkDial bulk;
  private final InetSocketAddress address;
  private final PinnedPeers pins;
  private final Executor executor;
  private final SecureRandom random;
  private final CompletableFuture<PakeSecret> secret;
  private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.WORKING);
  private volatile @Nullable ClientHandshake handshake;

  JoinEntrance(
      InetSocketAddress address,
      Invitation invitation,
      Introduction introduction,
      Fingerprint self,
      BulkDial bulk,
      PinnedPeers pins,
      Executor executor,
      SecureRandom random) {
    super(address);
    this.address = address;
    this.invitation = invitation;
    this.introduction = introduction;
    this.self = self;
    this.bulk = bulk;
    this.pins = pins;
    this.executor = executor;
    this.random = random;
    this.secret = CompletableFuture.supplyAsync(() -> PakeSecret.of(invitation), executor);
  }

  /** A ticket names the host's key: nothing is said to another. */
  @Override
  void requirePeer(Lane dialled) throws JoinException {
    if (invitation instanceof Ticket ticket && !dialled.peer().equals(ticket.host())) {
      throw new JoinException(
          Reason.WRONG_HOST,
          "%s answers with key %s, the ticket is of %s"
              .formatted(dialled.remoteAddress(), dialled.peer(), ticket.host()));
    }
  }

  @Override
  void opened(FrameStream stream) {
    bulk.begin(stream.lane().peer());
    var unusedSent =
        secret
            .thenAcceptAsync(stretched -> hello(stream, stretched), executor)
            .whenComplete((done, fault) -> failOn(fault));
  }

  @Override
  void answer(FrameStream stream, FrameType type, byte[] payload)
      throws WireException, JoinException {
    switch (type) {
      case HOST_HELLO -> {
        move(Phase.AWAIT_HELLO, type);
        try {
          executor.execute(() -> hostHello(stream, payload));
        } catch (RejectedExecutionException closing) {
          fail(fault(closing));
        }
      }
      case HOST_CONFIRM -> {
        move(Phase.AWAIT_CONFIRM, type);
        hostConfirm(stream, payload);
      }
      default -> throw new WireException(type + " before trust");
    }
  }

  @Override
  void over(boolean in) {
    Phase before = phase.getAndSet(Phase.ENDED);
    if (before != Phase.WORKING) {
      wipe();
    }
    if (!in) {
      bulk.giveUp();
    }
    var unusedWiped = secret.thenAccept(PakeSecret::close);
  }

  private void hello(FrameStream stream, PakeSecret stretched) {
    ClientHandshake begun;
    try {
      begun =
          new ClientHandshake(
              Versions.OURS,
              invitation,
              stretched,
              self,
              stream.lane().peer(),
              introduction,
              random);
    } catch (IllegalStateException wiped) {
      // The try has ended, and so has the secret.
      fail(fault(wiped));
      return;
    }
    handshake = begun;
    ClientHello hello = begun.createHello();
    if (phase.compareAndSet(Phase.WORKING, Phase.AWAIT_HELLO)) {
      stream.send(FrameType.CLIENT_HELLO, hello);
    } else {
      wipe();
    }
  }

  private void hostHello(FrameStream stream, byte[] payload) {
    ClientHandshake begun = current();
    try {
      begun.consumeHello(payload);
      var confirm = begun.createConfirm();
      if (phase.compareAndSet(Phase.WORKING, Phase.AWAIT_CONFIRM)) {
        stream.send(FrameType.CLIENT_CONFIRM, confirm);
        return;
      }
    } catch (JoinException refused) {
      refuse(stream, refused);
    }
    wipe();
  }

  private void hostConfirm(FrameStream stream, byte[] payload) throws JoinException {
    ClientHandshake.Given given;
    try {
      given = current().consumeConfirm(payload);
    } finally {
      wipe();
    }
    Lane lane = stream.lane();
    lane.trust();
    Joined joined = Joined.of(openLane(stream), given, bulk);
    var unusedPinned =
        CompletableFuture.runAsync(() -> pin(joined), executor)
            .whenComplete((done, fault) -> failOn(fault));
  }

  /** A share that is known has one key: another one is not taken beside it, nor for it. */
  private void pin(Joined joined) {
    Optional<KnownHost> known = pins.otherHost(joined.host(), joined.share());
    if (known.isPresent()) {
      fail(JoinException.hostChanged(known.get(), joined.host()));
      return;
    }
    try {
      pins.recordHost(joined.host(), joined.share(), joined.shareName(), address);
    } catch (IOException notKept) {
      LOG.warn(
          "\"{}\" is mounted, but will need a code again: {}",
          joined.shareName(),
          notKept.getMessage());
    }
    succeed(joined);
  }

  private void move(Phase from, FrameType cause) throws WireException {
    if (!phase.compareAndSet(from, Phase.WORKING)) {
      throw new WireException(cause + " out of order");
    }
  }

  private ClientHandshake current() {
    ClientHandshake begun = handshake;
    if (begun == null) {
      throw new IllegalStateException("no handshake has begun");
    }
    return begun;
  }

  private void wipe() {
    ClientHandshake begun = handshake;
    if (begun != null) {
      begun.close();
    }
  }

  private void failOn(@Nullable Throwable fault) {
    if (fault != null) {
      LOG.error("fault while joining {}", invitation.masked(), fault);
      fail(fault(fault));
    }
  }

  private static JoinException fault(Throwable cause) {
    return new JoinException(Reason.PROTOCOL, "joining failed here: " + cause.getMessage(), cause);
  }
}
