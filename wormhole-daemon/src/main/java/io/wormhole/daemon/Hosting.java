package io.wormhole.daemon;

import io.wormhole.daemon.control.HostedShare;
import io.wormhole.daemon.discovery.PeerAddress;
import io.wormhole.daemon.host.DescriptorBudget;
import io.wormhole.daemon.host.Share;
import io.wormhole.daemon.host.ShareException;
import io.wormhole.daemon.host.ShareStore;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.trust.CodeUnavailableException;
import io.wormhole.daemon.trust.Gate;
import io.wormhole.daemon.trust.LiveCodes;
import io.wormhole.daemon.trust.Offer;
import io.wormhole.daemon.trust.PeerSession;
import io.wormhole.daemon.trust.SessionAcceptor;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.control.ShareEvent;
import io.wormhole.protocol.control.StatusAnswer.ShareStatus;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.wire.ShareId;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The shares this daemon serves. A share lives as long as it has an owner; each owner has a code of
 * its own, which ends with it.
 */
final class Hosting implements SessionAcceptor {
  private static final Duration NAME_LOOKUP = Duration.ofSeconds(5);

  private final ShareStore store;
  private final LiveCodes codes;
  private final DescriptorBudget descriptors;
  private final Executor hostIo;
  private final Clock clock;
  private final Gate gate;
  private final ListenAddress addresses;

  private final Map<ShareId, RunningShare> shares = new ConcurrentHashMap<>();

  /** Under this object's lock: who opened what, and where. */
  private final Map<ShareId, List<Owner>> owners = new HashMap<>();

  /**
   * @param gateOf makes the gate that lets peers in to what is served here
   */
  Hosting(
      ShareStore store,
      LiveCodes codes,
      DescriptorBudget descriptors,
      Executor hostIo,
      Clock clock,
      Endpoint endpoint,
      Path stateFolder,
      Function<SessionAcceptor, Gate> gateOf) {
    this.store = store;
    this.codes = codes;
    this.descriptors = descriptors;
    this.hostIo = hostIo;
    this.clock = clock;
    this.gate = gateOf.apply(this);
    this.addresses = new ListenAddress(endpoint, gate, stateFolder);
  }

  /** One {@code host} command's hold on a share. */
  private final class Owner implements HostedShare {
    final RunningShare running;
    final ListenAddress.Hold address;
    final JoinCode code;
    final Consumer<ShareEvent> events;

    Owner(
        RunningShare running,
        ListenAddress.Hold address,
        JoinCode code,
        Consumer<ShareEvent> events) {
      this.running = running;
      this.address = address;
      this.code = code;
      this.events = events;
    }

    @Override
    public ShareEvent.Shared answer() {
      Share share = running.share();
      return new ShareEvent.Shared(
          code.format(),
          null,
          text(address.dialled()),
          share.name(),
          share.id().toString(),
          share.directory(),
          share.writable(),
          null,
          share.mountsBelow());
    }

    @Override
    public ShareEvent.Throughput throughput() {
      return running.throughput();
    }

    @Override
    public void close() {
      disown(this);
    }
  }

  HostedShare host(HostRequest request, Consumer<ShareEvent> events)
      throws ControlException, InterruptedException {
    Optional<InetSocketAddress> bind = bindAddress(request);
    Share opened;
    try {
      opened = store.open(request.directory(), request.name());
    } catch (ShareException refused) {
      throw new ControlException(kindOf(refused), message(refused), refused.next(), refused);
    }
    boolean adopted = false;
    try {
      Owner owner = adopt(opened, bind, events);
      adopted = owner.running.share() == opened;
      return owner;
    } finally {
      if (!adopted) {
        opened.close();
      }
    }
  }

  private synchronized Owner adopt(
      Share opened, Optional<InetSocketAddress> bind, Consumer<ShareEvent> events)
      throws ControlException {
    ListenAddress.Hold address;
    try {
      address = addresses.hold(bind);
    } catch (IOException taken) {
      throw new ControlException(
          ErrorKind.PORT_TAKEN, message(taken), "--bind ADDR:PORT chooses another", taken);
    }
    RunningShare running = shares.get(opened.id());
    boolean fresh = running == null;
    if (running == null) {
      running = new RunningShare(opened, descriptors, hostIo, clock);
    }
    JoinCode code;
    try {
      code = codes.add(new Offer(opened.id(), running.share().name(), running.share().writable()));
    } catch (CodeUnavailableException none) {
      address.close();
      throw new ControlException(ErrorKind.FAILED, message(none), none.next(), none);
    }
    if (fresh) {
      shares.put(opened.id(), running);
    }
    Owner owner = new Owner(running, address, code, events);
    owners.computeIfAbsent(opened.id(), _ -> new ArrayList<>()).add(owner);
    running.owners().add(events);
    return owner;
  }

  private synchronized void disown(Owner owner) {
    ShareId id = owner.running.share().id();
    List<Owner> all = owners.getOrDefault(id, new ArrayList<>());
    if (!all.remove(owner)) {
      return;
    }
    codes.remove(owner.code);
    owner.running.owners().remove(owner.events);
    owner.events.accept(new ShareEvent.Ended("the command has ended"));
    if (all.isEmpty()) {
      owners.remove(id);
      shares.remove(id);
      gate.endShare(id);
      owner.running.end();
    }
    owner.address.close();
  }

  private static Optional<InetSocketAddress> bindAddress(HostRequest request)
      throws ControlException, InterruptedException {
    String bind = request.bind();
    if (bind == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(PeerAddress.parse(bind, true).resolve(NAME_LOOKUP).getFirst());
    } catch (IllegalArgumentException malformed) {
      throw new ControlException(ErrorKind.USAGE, message(malformed), null, malformed);
    } catch (IOException unknown) {
      throw new ControlException(
          ErrorKind.FAILED, message(unknown), "give one of this machine's addresses", unknown);
    }
  }

  /** Where this machine itself can dial a nameplate of ours. */
  synchronized Optional<InetSocketAddress> servedAt(int nameplate) {
    for (List<Owner> all : owners.values()) {
      for (Owner owner : all) {
        if (owner.code.nameplate() == nameplate) {
          return Optional.of(owner.address.local());
        }
      }
    }
    return Optional.empty();
  }

  @Override
  public Optional<Offer> hosted(ShareId share) {
    return Optional.ofNullable(shares.get(share))
        .map(running -> new Offer(share, running.share().name(), running.share().writable()));
  }

  @Override
  public FrameHandler control(PeerSession session) {
    return serve(session, session.control());
  }

  @Override
  public FrameHandler bulk(PeerSession session, Lane lane) {
    return serve(session, lane);
  }

  private FrameHandler serve(PeerSession session, Lane lane) {
    RunningShare running = shares.get(session.share());
    if (running == null) {
      throw new IllegalStateException("the share ended while a peer came in");
    }
    return running.serve(session, lane);
  }

  synchronized List<ShareStatus> status() {
    List<ShareStatus> all = new ArrayList<>();
    for (List<Owner> each : owners.values()) {
      Owner first = each.getFirst();
      all.add(first.running.status(text(first.address.dialled())));
    }
    return all;
  }

  void tick(long nowNanos) {
    shares.values().forEach(share -> share.tick(nowNanos));
  }

  /** Ends every share. */
  void stop() {
    List<Owner> all;
    synchronized (this) {
      all = owners.values().stream().flatMap(List::stream).toList();
    }
    all.forEach(this::disown);
  }

  static String text(InetSocketAddress address) {
    return new PeerAddress(address.getAddress().getHostAddress(), address.getPort()).toString();
  }

  static String message(Exception failure) {
    String message = failure.getMessage();
    return message == null ? failure.toString() : message;
  }

  private static ErrorKind kindOf(ShareException refused) {
    return switch (refused.kind()) {
      case MISSING -> ErrorKind.NO_SUCH_FOLDER;
      case NOT_A_FOLDER -> ErrorKind.NOT_A_FOLDER;
      case UNREADABLE -> ErrorKind.UNREADABLE;
      case OWN_MOUNT -> ErrorKind.NOT_SHAREABLE;
      case BAD_NAME -> ErrorKind.USAGE;
      case UNSUPPORTED -> ErrorKind.MISSING_PREREQUISITE;
      case IO -> ErrorKind.FAILED;
    };
  }
}
