package io.wormhole.daemon;

import io.wormhole.daemon.control.HostedShare;
import io.wormhole.daemon.discovery.LocalNetwork;
import io.wormhole.daemon.discovery.PeerAddress;
import io.wormhole.daemon.host.DescriptorBudget;
import io.wormhole.daemon.host.ExcludeGlobs;
import io.wormhole.daemon.host.Share;
import io.wormhole.daemon.host.ShareException;
import io.wormhole.daemon.host.ShareStore;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.trust.CodeTerms;
import io.wormhole.daemon.trust.CodeUnavailableException;
import io.wormhole.daemon.trust.Gate;
import io.wormhole.daemon.trust.LiveCodes;
import io.wormhole.daemon.trust.Offer;
import io.wormhole.daemon.trust.PeerSession;
import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.daemon.trust.SessionAcceptor;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.control.ShareEvent;
import io.wormhole.protocol.control.StatusAnswer.ShareStatus;
import io.wormhole.protocol.control.StopSharingAnswer;
import io.wormhole.protocol.control.StopSharingRequest;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.JoinCodeException;
import io.wormhole.protocol.wire.ShareId;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shares this daemon serves. A share lives as long as it has an owner: a {@code host} command
 * that runs, or the daemon itself, which shares it again after a restart. Each owner has a code and
 * a ticket of its own, which end with it; one that was there before a restart has none.
 */
final class Hosting implements SessionAcceptor {
  private static final Logger log = LoggerFactory.getLogger(Hosting.class);
  private static final Duration NAME_LOOKUP = Duration.ofSeconds(5);

  /** Codes to make for one owner; each but the last met the end of the same share. */
  private static final int MAX_TRIES = 3;

  private final ShareStore store;
  private final LiveCodes codes;
  private final DescriptorBudget descriptors;
  private final Executor hostIo;
  private final Clock clock;
  private final Gate gate;
  private final ListenAddress addresses;
  private final KeptShares kept;
  private final LocalNetwork network;

  private final Map<ShareId, RunningShare> shares = new ConcurrentHashMap<>();

  /** Under this object's lock: who opened what, and where. */
  private final Map<ShareId, List<Owner>> owners = new HashMap<>();

  /** The owners, for whoever must not wait for the lock. */
  private final List<Owner> newestFirst = new CopyOnWriteArrayList<>();

  /**
   * @param network where it is told what is served here
   * @param gateOf makes the gate that lets peers in to what is served here
   * @throws IOException if what the daemon is to share again cannot be read
   */
  Hosting(
      ShareStore store,
      LiveCodes codes,
      DescriptorBudget descriptors,
      Executor hostIo,
      Clock clock,
      Endpoint endpoint,
      Path stateFolder,
      LocalNetwork network,
      Function<SessionAcceptor, Gate> gateOf)
      throws IOException {
    this.store = store;
    this.codes = codes;
    this.descriptors = descriptors;
    this.hostIo = hostIo;
    this.clock = clock;
    this.network = network;
    this.gate = gateOf.apply(this);
    this.addresses = new ListenAddress(endpoint, gate, stateFolder);
    this.kept = new KeptShares(stateFolder);
  }

  /** One hold on a share: that of a {@code host} command, or the daemon's own. */
  private final class Owner implements HostedShare {
    final RunningShare running;
    final ListenAddress.Hold address;

    /** Null for a share that is back after a restart. */
    final LiveCodes.@Nullable Issued issued;

    final ExcludeGlobs excludes;
    final Consumer<ShareEvent> events;
    final boolean detached;

    /** Who proved a code before this needs a new one; empty where all that are known may return. */
    final Optional<Instant> provedSince;

    Owner(
        RunningShare running,
        ListenAddress.Hold address,
        LiveCodes.@Nullable Issued issued,
        ExcludeGlobs excludes,
        Consumer<ShareEvent> events,
        boolean detached,
        Optional<Instant> provedSince) {
      this.running = running;
      this.address = address;
      this.issued = issued;
      this.excludes = excludes;
      this.events = events;
      this.detached = detached;
      this.provedSince = provedSince;
    }

    boolean isOf(String directory) {
      return running.share().directory().equals(directory);
    }

    boolean takesBack(Grant grant) {
      return provedSince.isEmpty() || !grant.proved().isBefore(provedSince.get());
    }

    @Override
    public ShareEvent.Shared answer() {
      Share share = running.share();
      return new ShareEvent.Shared(
          issued == null ? "" : issued.code().format(),
          issued == null ? null : issued.ticket().format(),
          text(address.dialled()),
          share.name(),
          share.id().toString(),
          share.directory(),
          share.writable(),
          issued == null ? null : text(issued.expiresAt()),
          share.mountsBelow(),
          mayReturn(share.id()));
    }

    @Override
    public ShareEvent.Throughput throughput() {
      return running.throughput();
    }

    @Override
    public void close() {
      disown(this);
      String directory = running.share().directory();
      if (detached && !isDetached(directory)) {
        try {
          boolean known = kept.forget(directory);
          log.debug("{} is given up, kept before: {}", directory, known);
        } catch (ControlException unwritable) {
          log.warn("{}: {}", directory, unwritable.getMessage());
        }
      }
    }
  }

  HostedShare host(HostRequest request, Consumer<ShareEvent> events)
      throws ControlException, InterruptedException {
    Instant now = clock.instant();
    // Nobody listens at a command that has gone.
    Owner owner = open(request, now, true, request.detached() ? _ -> {} : events);
    if (request.detached()) {
      boolean done = false;
      try {
        keep(request, owner, now);
        done = true;
      } finally {
        if (!done) {
          disown(owner);
        }
      }
    }
    return owner;
  }

  /**
   * @param since who proved a code before this is not let in without one, if only new peers are
   */
  private Owner open(
      HostRequest request, Instant since, boolean withCode, Consumer<ShareEvent> events)
      throws ControlException, InterruptedException {
    Optional<InetSocketAddress> bind = bindAddress(request);
    Optional<JoinCode> chosen = chosenCode(request);
    Duration life = life(request);
    ExcludeGlobs excludes;
    Share opened;
    try {
      excludes = ExcludeGlobs.of(request.excludes());
      opened = store.open(request.directory(), request.name());
    } catch (ShareException refused) {
      throw new ControlException(kindOf(refused), message(refused), refused.next(), refused);
    }
    // Before a code lets anybody in, and for those who are in already.
    opened.excludes().add(excludes);
    Share meant = runningOr(opened);
    if (meant != opened) {
      meant.excludes().add(excludes);
    }
    ListenAddress.Hold address = null;
    LiveCodes.Issued issued = null;
    Owner owner = null;
    try {
      address = hold(bind);
      Optional<Instant> provedSince = request.onlyNew() ? Optional.of(since) : Optional.empty();
      for (int tries = 0; owner == null && tries < MAX_TRIES; tries++) {
        if (withCode) {
          issued = issue(meant, terms(request, chosen, life, address, events));
        }
        owner =
            adopt(
                opened, meant, address, issued, excludes, request.detached(), provedSince, events);
      }
      if (owner == null) {
        throw new ControlException(
            ErrorKind.FAILED, "the code ended before it could be shown", "try again");
      }
      return owner;
    } finally {
      if (owner == null) {
        meant.excludes().remove(excludes);
      }
      if (owner == null || owner.running.share() != opened) {
        opened.close();
      }
      if (owner == null && issued != null) {
        codes.remove(issued.code());
      }
      if (owner == null && address != null) {
        address.close();
      }
    }
  }

  private ListenAddress.Hold hold(Optional<InetSocketAddress> bind) throws ControlException {
    try {
      return addresses.hold(bind);
    } catch (IOException taken) {
      throw new ControlException(
          ErrorKind.PORT_TAKEN, message(taken), "--bind ADDR:PORT chooses another", taken);
    }
  }

  /**
   * Makes a code. Takes some tenths of a second: the network is asked, and secrets are stretched.
   */
  private LiveCodes.Issued issue(Share share, CodeTerms terms) throws ControlException {
    try {
      return codes.add(new Offer(share.id(), share.name(), share.writable()), terms);
    } catch (CodeUnavailableException none) {
      throw new ControlException(ErrorKind.FAILED, message(none), none.next(), none);
    }
  }

  private Share runningOr(Share opened) {
    RunningShare running = shares.get(opened.id());
    return running == null ? opened : running.share();
  }

  /**
   * @param meant has the excludes already, as {@code opened} has
   * @return null if the code has ended before it was ever shown, because the share had another
   *     owner when it was made, who has left with all its codes
   */
  private synchronized @Nullable Owner adopt(
      Share opened,
      Share meant,
      ListenAddress.Hold address,
      LiveCodes.@Nullable Issued issued,
      ExcludeGlobs excludes,
      boolean detached,
      Optional<Instant> provedSince,
      Consumer<ShareEvent> events) {
    if (issued != null && !codes.has(issued.code().nameplate())) {
      return null;
    }
    RunningShare running =
        shares.computeIfAbsent(
            opened.id(), _ -> new RunningShare(opened, descriptors, hostIo, clock));
    if (running.share() != meant && running.share() != opened) {
      // It began meanwhile.
      running.share().excludes().add(excludes);
    }
    Owner owner = new Owner(running, address, issued, excludes, events, detached, provedSince);
    owners.computeIfAbsent(opened.id(), _ -> new ArrayList<>()).add(owner);
    newestFirst.addFirst(owner);
    running.owners().add(events);
    publish();
    return owner;
  }

  /** The daemon will share the folder again, at the port that it has now. */
  private void keep(HostRequest request, Owner owner, Instant since) throws ControlException {
    String bind = request.bind();
    if (bind != null) {
      bind = bind.substring(0, bind.lastIndexOf(':') + 1) + owner.address.bound().getPort();
    }
    kept.keep(
        new KeptShare(
            owner.running.share().directory(),
            owner.running.share().id().toString(),
            request.name(),
            bind,
            request.excludes(),
            request.onlyNew(),
            since.toString()));
  }

  /**
   * Shares again what an earlier daemon of this home shared as its own. Returns when all of it is
   * there, or when it is interrupted.
   */
  void restore() throws InterruptedException {
    kept.restore(share -> isDetached(share.directory()), this::reopen);
  }

  private void reopen(KeptShare share) throws ControlException, InterruptedException {
    Owner owner = open(share.request(), Instant.parse(share.since()), false, _ -> {});
    boolean same = owner.running.share().id().toString().equals(share.shareId());
    // Somebody may have ended it or shared it anew meanwhile.
    if (!same || !kept.has(share)) {
      disown(owner);
    }
    if (!same) {
      throw new ControlException(
          ErrorKind.FAILED, "another folder or disk is there now", "share it with its own command");
    }
    log.info("{} is shared again", share.directory());
  }

  private synchronized boolean isDetached(String directory) {
    return owners.values().stream()
        .flatMap(List::stream)
        .anyMatch(owner -> owner.detached && owner.isOf(directory));
  }

  /** Gives up the daemon's own hold on a share. */
  StopSharingAnswer stopSharing(StopSharingRequest request) throws ControlException {
    List<Owner> all;
    synchronized (this) {
      all = owners.values().stream().flatMap(List::stream).toList();
    }
    String directory = directoryOf(request, all);
    List<Owner> ours = all.stream().filter(owner -> owner.isOf(directory)).toList();
    boolean known = kept.forget(directory);
    ours.stream().filter(owner -> owner.detached).forEach(this::disown);
    boolean still = ours.stream().anyMatch(owner -> !owner.detached);
    if (!known && ours.stream().noneMatch(owner -> owner.detached)) {
      throw new ControlException(
          ErrorKind.NOT_SHARED,
          still
              ? "a host command shares " + directory + ", and not the daemon"
              : "the daemon does not share " + directory,
          still ? "Ctrl-C in its terminal ends it" : "wormhole status lists the shares");
    }
    return new StopSharingAnswer(directory, still);
  }

  /** What is meant: a folder that is shared or kept, else a share of that name. */
  private String directoryOf(StopSharingRequest request, List<Owner> all) {
    String directory = request.directory();
    if (all.stream().anyMatch(owner -> owner.isOf(directory)) || kept.has(directory)) {
      return directory;
    }
    return all.stream()
        .map(owner -> owner.running.share())
        .filter(share -> share.name().equals(request.name()))
        .map(Share::directory)
        .findFirst()
        .orElse(directory);
  }

  private synchronized boolean takesBack(Grant grant) {
    List<Owner> all = owners.getOrDefault(grant.share(), List.of());
    // The daemon's own hold counts as it was asked for last.
    Optional<Owner> detached = all.stream().filter(owner -> owner.detached).reduce((_, b) -> b);
    return Stream.concat(all.stream().filter(owner -> !owner.detached), detached.stream())
        .anyMatch(owner -> owner.takesBack(grant));
  }

  private int mayReturn(ShareId share) {
    return (int)
        gate.grants().stream()
            .filter(grant -> grant.share().equals(share) && takesBack(grant))
            .count();
  }

  Gate gate() {
    return gate;
  }

  private synchronized void disown(Owner owner) {
    ShareId id = owner.running.share().id();
    List<Owner> all = owners.getOrDefault(id, new ArrayList<>());
    if (!all.remove(owner)) {
      return;
    }
    if (owner.issued != null) {
      codes.remove(owner.issued.code());
    }
    newestFirst.remove(owner);
    owner.running.owners().remove(owner.events);
    owner.events.accept(new ShareEvent.Ended("the command has ended"));
    if (all.isEmpty()) {
      owners.remove(id);
      shares.remove(id);
      gate.endShare(id);
      owner.running.end();
    } else {
      // Not of a share that ends: its last requests may still be under way.
      owner.running.share().excludes().remove(owner.excludes);
    }
    owner.address.close();
    publish();
  }

  /** Tells the network which nameplates are answered to where; of codes that ended, none. */
  private synchronized void publish() {
    Map<InetSocketAddress, List<Integer>> served = new HashMap<>();
    for (List<Owner> all : owners.values()) {
      for (Owner owner : all) {
        List<Integer> there = served.computeIfAbsent(owner.address.bound(), _ -> new ArrayList<>());
        if (owner.issued != null && codes.has(owner.issued.code().nameplate())) {
          there.add(owner.issued.code().nameplate());
        }
      }
    }
    network.publish(served);
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

  private static Optional<JoinCode> chosenCode(HostRequest request) throws ControlException {
    try {
      return request.code() == null
          ? Optional.empty()
          : Optional.of(JoinCode.parse(request.code()));
    } catch (JoinCodeException mistyped) {
      throw new ControlException(
          ErrorKind.MISTYPED_CODE,
          message(mistyped),
          "leave --code away to get a new code",
          mistyped);
    }
  }

  private static CodeTerms terms(
      HostRequest request,
      Optional<JoinCode> chosen,
      Duration life,
      ListenAddress.Hold address,
      Consumer<ShareEvent> events) {
    return new CodeTerms(
        chosen,
        life,
        request.once(),
        address.allDialled(),
        reason -> events.accept(new ShareEvent.CodeEnded(reason)));
  }

  private static Duration life(HostRequest request) throws ControlException {
    Long seconds = request.expireSeconds();
    if (seconds == null) {
      return CodeTerms.DEFAULT_LIFE;
    }
    if (seconds < 1 || seconds > CodeTerms.MAX_LIFE.toSeconds()) {
      throw new ControlException(
          ErrorKind.USAGE,
          "a code cannot be good for %d seconds".formatted(seconds),
          "--expire 30m, 24h or 7d");
    }
    return Duration.ofSeconds(seconds);
  }

  /** Where this machine itself can dial a nameplate of ours. */
  synchronized Optional<InetSocketAddress> servedAt(int nameplate) {
    for (List<Owner> all : owners.values()) {
      for (Owner owner : all) {
        if (owner.issued != null && owner.issued.code().nameplate() == nameplate) {
          return Optional.of(owner.address.local());
        }
      }
    }
    return Optional.empty();
  }

  @Override
  public synchronized Optional<Hosted> hosted(Grant grant) {
    return Optional.ofNullable(shares.get(grant.share()))
        .map(RunningShare::share)
        .map(share ->
            new Hosted(new Offer(share.id(), share.name(), share.writable()), takesBack(grant)));
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
      String until = codes.liveUntil(first.running.share().id()).map(Hosting::text).orElse(null);
      boolean detached = each.stream().anyMatch(owner -> owner.detached);
      all.add(first.running.status(text(first.address.dialled()), until, detached));
    }
    return all;
  }

  void tick(long nowNanos) {
    codes.expire();
    shares.values().forEach(share -> share.tick(nowNanos));
    publish();
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

  private static String text(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
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
      case BAD_NAME, BAD_EXCLUDE -> ErrorKind.USAGE;
      case UNSUPPORTED -> ErrorKind.MISSING_PREREQUISITE;
      case IO -> ErrorKind.FAILED;
    };
  }
}
