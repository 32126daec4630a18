package io.wormhole.daemon;

import io.wormhole.daemon.host.DescriptorBudget;
import io.wormhole.daemon.host.SessionRequests;
import io.wormhole.daemon.host.Share;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.PathFigures;
import io.wormhole.daemon.transport.RequestServer;
import io.wormhole.daemon.trust.PeerSession;
import io.wormhole.protocol.control.ShareEvent;
import io.wormhole.protocol.control.StatusAnswer.PeerStatus;
import io.wormhole.protocol.control.StatusAnswer.ShareStatus;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A share that is served: its folder, its owners, and the peers who are in. Any thread. */
final class RunningShare {
  private final Share share;
  private final DescriptorBudget descriptors;
  private final Executor hostIo;
  private final Clock clock;
  private final List<Consumer<ShareEvent>> owners = new CopyOnWriteArrayList<>();
  private final Map<PeerSession, Peer> peers = new ConcurrentHashMap<>();
  private volatile long bytesOfPeersGone;

  /** What serves one peer: its handles, and a queue for each of its lanes. */
  private static final class Peer {
    final SessionRequests requests;
    final Meter bytes;
    final Meter answers;
    final Map<Lane, RequestServer> lanes = new ConcurrentHashMap<>();

    Peer(SessionRequests requests) {
      this.requests = requests;
      this.bytes = new Meter(requests::bytesServed, System.nanoTime());
      this.answers = new Meter(requests::requestsServed, System.nanoTime());
    }
  }

  RunningShare(Share share, DescriptorBudget descriptors, Executor hostIo, Clock clock) {
    this.share = share;
    this.descriptors = descriptors;
    this.hostIo = hostIo;
    this.clock = clock;
  }

  Share share() {
    return share;
  }

  /** Those who are told what happens to the share. */
  List<Consumer<ShareEvent>> owners() {
    return owners;
  }

  /** Who answers on a further stream of a peer's lane. */
  FrameHandler serve(PeerSession session, Lane lane) {
    Peer peer = peers.computeIfAbsent(session, this::arrived);
    return peer.lanes.computeIfAbsent(lane, _ -> serverOf(peer, lane)).stream();
  }

  private RequestServer serverOf(Peer peer, Lane lane) {
    CompletableFuture<Void> ignored = lane.closed().thenRun(() -> peer.lanes.remove(lane));
    return new RequestServer(peer.requests, hostIo, Threads.hostIoThreads());
  }

  private Peer arrived(PeerSession session) {
    Peer peer =
        new Peer(
            new SessionRequests(
                share,
                descriptors,
                clock,
                () -> session.newLaneToken().toByteString().toByteArray()));
    tell(
        new ShareEvent.PeerConnected(
            session.displayName(),
            session.peer().toString(),
            session.control().remoteAddress().toString()));
    CompletableFuture<Void> ignored =
        session
            .control()
            .closed()
            .thenAccept(why -> left(session, String.valueOf(why.getMessage())));
    return peer;
  }

  private void left(PeerSession session, String reason) {
    Peer peer = peers.remove(session);
    if (peer != null) {
      synchronized (this) {
        bytesOfPeersGone += peer.requests.bytesServed();
      }
      hostIo.execute(peer.requests::close);
      tell(new ShareEvent.PeerLeft(session.displayName(), session.peer().toString(), reason));
    }
  }

  void tell(ShareEvent event) {
    for (Consumer<ShareEvent> owner : owners) {
      owner.accept(event);
    }
  }

  void tick(long nowNanos) {
    peers.forEach((session, peer) -> {
      peer.bytes.tick(nowNanos);
      peer.answers.tick(nowNanos);
      if (peer.bytes.perSecond() > 0) {
        // So that a status tells of the path as it is: to look has it looked at again.
        session.bulkLanes().forEach(Lane::path);
      }
    });
  }

  ShareEvent.Throughput throughput() {
    long perSecond = 0;
    long served = bytesOfPeersGone;
    for (Peer peer : peers.values()) {
      perSecond += Math.round(peer.bytes.perSecond());
      served += peer.requests.bytesServed();
    }
    return new ShareEvent.Throughput(peers.size(), perSecond, served);
  }

  /**
   * @param expiresAt when the last of its codes ends; null where none is live
   * @param detached whether the daemon itself is an owner
   */
  ShareStatus status(String address, @Nullable String expiresAt, boolean detached) {
    List<PeerStatus> in = new ArrayList<>();
    for (Map.Entry<PeerSession, Peer> each : peers.entrySet()) {
      PeerSession session = each.getKey();
      PathFigures path = session.control().path();
      Optional<PathFigures> bulk =
          session.bulkLanes().reversed().stream().findFirst().map(Lane::path);
      in.add(
          new PeerStatus(
              session.displayName(),
              session.peer().toString(),
              path.kind(),
              path.rttMillis() < 0 ? null : path.rttMillis(),
              path.lossPercent(),
              bulk.flatMap(PathFigures::knownController).orElse(null),
              bulk.flatMap(PathFigures::knownWindowBytes).orElse(null),
              Math.round(each.getValue().bytes.perSecond()),
              each.getValue().answers.perSecond()));
    }
    return new ShareStatus(
        share.name(),
        share.directory(),
        share.id().toString(),
        address,
        false,
        expiresAt,
        detached,
        in);
  }

  /** The share has ended: what its peers had open is closed, and then the folder. */
  void end() {
    for (PeerSession session : List.copyOf(peers.keySet())) {
      left(session, "the share has ended");
    }
    hostIo.execute(share::close);
  }
}
