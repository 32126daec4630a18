package io.wormhole.daemon;

import io.wormhole.daemon.discovery.Candidates;
import io.wormhole.daemon.discovery.Discovery;
import io.wormhole.daemon.discovery.PeerAddress;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.mount.NotAdmittedException;
import io.wormhole.daemon.mount.RootQuestion;
import io.wormhole.daemon.transport.BulkRequests;
import io.wormhole.daemon.transport.FutureFailure;
import io.wormhole.daemon.transport.RequestLimits;
import io.wormhole.daemon.transport.RequestStream;
import io.wormhole.daemon.trust.Introduction;
import io.wormhole.daemon.trust.JoinClient;
import io.wormhole.daemon.trust.JoinException;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.daemon.trust.Joined;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.join.Invitation;
import io.wormhole.protocol.join.Ticket;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.SessionLimits;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** From a code or a ticket to two lanes that answer. */
final class Joining {
  private static final Duration NAME_LOOKUP = Duration.ofSeconds(3);

  /** Both lanes of an attempt have deadlines of their own; past those we wait no more. */
  static final Duration PATIENCE = Duration.ofMillis(2 * Limits.HANDSHAKE_MILLIS).plusSeconds(1);

  private static final int MAX_ADDRESSES = 8;

  /** How often a host that is silent is dialled again beside the first try, and how long after. */
  private static final int REDIALS = 3;

  private static final Duration REDIAL_AFTER = Duration.ofMillis(1500);

  /** Of an address on the next one. */
  private static final Duration HEAD_START = Duration.ofMillis(250);

  /** Until some address has let us in. */
  private static final Duration ALL_TRIES = Duration.ofSeconds(30);

  private final Discovery discovery;
  private final JoinClient client;
  private final Introduction introduction;
  private final LongSupplier tickerNanos;

  Joining(
      Discovery discovery, JoinClient client, Introduction introduction, LongSupplier tickerNanos) {
    this.discovery = discovery;
    this.client = client;
    this.introduction = introduction;
    this.tickerNanos = tickerNanos;
  }

  /**
   * A share that was joined; the taker closes the lanes.
   *
   * @param root has been asked for on the control lane
   */
  record Admitted(Joined joined, Lanes lanes, RootQuestion root) {}

  /**
   * Joins; gives up within about ten seconds when nobody answers. Where nobody said who the host
   * is, whoever claims to be gets a try: a stranger must not keep the host from being asked.
   */
  Admitted join(Invitation invitation, @Nullable String peer)
      throws ControlException, InterruptedException {
    Tries<Admitted> tries =
        new Tries<>(
            address -> attempt(invitation, address),
            late -> late.lanes().close(),
            failure -> peer != null && !isSilence(failure),
            HEAD_START,
            MAX_ADDRESSES);
    Optional<Admitted> admitted = tries.first(candidates(invitation, peer), ALL_TRIES);
    if (admitted.isPresent()) {
      return admitted.get();
    }
    ControlException told = null;
    for (Tries.Failure failure : tries.failures()) {
      if (told == null || saysLittle(told)) {
        told = explained(invitation, failure);
      }
    }
    throw told != null ? told : unknown(invitation);
  }

  /** A try at one address. Who cancels it gets no lanes. */
  private CompletableFuture<Admitted> attempt(Invitation invitation, InetSocketAddress address) {
    CompletableFuture<Joined> joining = client.join(address, invitation, introduction);
    CompletableFuture<Admitted> attempt = new CompletableFuture<>();
    var _ =
        joining
            .thenCompose(this::admitted)
            .whenComplete((admitted, failure) -> {
              if (failure != null) {
                attempt.completeExceptionally(failure);
              } else if (!attempt.complete(admitted)) {
                admitted.lanes().close();
              }
            });
    var _ = attempt.whenComplete((_, _) -> joining.cancel(false));
    return attempt;
  }

  private static List<InetSocketAddress> resolved(String peer)
      throws ControlException, InterruptedException {
    try {
      return PeerAddress.parse(peer, false).resolve(NAME_LOOKUP);
    } catch (IllegalArgumentException malformed) {
      throw new ControlException(
          ErrorKind.USAGE, Hosting.message(malformed), "for example --peer 192.168.1.20:4433");
    } catch (IOException unknown) {
      throw new ControlException(
          ErrorKind.UNREACHABLE, Hosting.message(unknown), "check the name, or give the address");
    }
  }

  private static boolean saysLittle(ControlException failure) {
    return failure.kind() == ErrorKind.UNREACHABLE || failure.kind() == ErrorKind.UNKNOWN_CODE;
  }

  private Candidates candidates(Invitation invitation, @Nullable String peer)
      throws ControlException, InterruptedException {
    try {
      Optional<PeerAddress> given =
          Optional.ofNullable(peer).map(text -> PeerAddress.parse(text, false));
      if (given.isEmpty() && invitation instanceof Ticket ticket) {
        return discovery.find(ticket.nameplate(), ticket.host(), ticket.addresses());
      }
      return discovery.find(invitation.nameplate(), given, NAME_LOOKUP);
    } catch (IllegalArgumentException malformed) {
      throw new ControlException(
          ErrorKind.USAGE, Hosting.message(malformed), "for example --peer 192.168.1.20:4433");
    } catch (IOException unknown) {
      throw new ControlException(
          ErrorKind.UNREACHABLE, Hosting.message(unknown), "check the name, or give the address");
    }
  }

  /**
   * Comes back to a share that is known, without a code; gives up within about twenty seconds when
   * nobody answers.
   *
   * @param peer where its host is now; null for where it was found before
   */
  Admitted comeBack(KnownHost known, @Nullable String peer, Duration patience)
      throws ControlException, InterruptedException {
    List<InetSocketAddress> addresses =
        peer == null ? client.addresses(known.host(), known.share()) : resolved(peer);
    try {
      return await(comeBack(addresses, known.host(), known.share(), 0), patience);
    } catch (JoinException failed) {
      throw explained(known, addresses, failed);
    }
  }

  /**
   * Comes back to a share without a code, wherever its host was found before. Does not wait.
   *
   * @param urgent whether the host may be back at any moment, and is to be asked often
   * @return fails with a {@link NotAdmittedException} where the host lets this key in no more, else
   *     with what tells the most of what the addresses met
   */
  CompletableFuture<Lanes> rejoin(Fingerprint host, ShareId share, boolean urgent) {
    return comeBack(client.addresses(host, share), host, share, urgent ? REDIALS : 0)
        .thenApply(Admitted::lanes)
        .exceptionallyCompose(failure -> CompletableFuture.failedFuture(admission(failure)));
  }

  private CompletableFuture<Admitted> comeBack(
      List<InetSocketAddress> addresses, Fingerprint host, ShareId share, int redials) {
    List<CompletableFuture<Admitted>> tries = new ArrayList<>();
    addresses.forEach(address -> tries.add(comeBack(address, host, share, redials)));
    tries.add(comeBackElsewhere(addresses, host, share));
    return firstOf(tries);
  }

  /** Looks for the host where it was not before, and goes there. */
  private CompletableFuture<Admitted> comeBackElsewhere(
      List<InetSocketAddress> known, Fingerprint host, ShareId share) {
    CompletableFuture<InetSocketAddress> found = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("control-search")
        .start(() -> {
          try (Candidates candidates = discovery.find(host)) {
            Optional<InetSocketAddress> next = candidates.next();
            for (int i = 0; i < MAX_ADDRESSES && next.isPresent(); i++) {
              if (!known.contains(next.get())) {
                found.complete(next.get());
                return;
              }
              next = candidates.next();
            }
            found.completeExceptionally(
                JoinException.unreachable("the host is not to be found on this network"));
          } catch (InterruptedException | RuntimeException fault) {
            found.completeExceptionally(fault);
          }
        });
    return found.thenCompose(address -> comeBack(address, host, share, 0));
  }

  /**
   * Comes back at one address. While that stays silent it is dialled again beside the first try:
   * QUIC asks ever more rarely (RFC 9002, section 6.2.1), and a host that has just started would be
   * found seconds later.
   *
   * @param redials how often at the most
   */
  private CompletableFuture<Admitted> comeBack(
      InetSocketAddress address, Fingerprint host, ShareId share, int redials) {
    Supplier<CompletableFuture<Admitted>> dial =
        () -> client.rejoin(address, host, share, introduction).thenCompose(this::admitted);
    List<CompletableFuture<Admitted>> tries = new ArrayList<>();
    tries.add(dial.get());
    for (int again = 0; again < redials; again++) {
      tries.add(unlessEnded(tries.getLast(), dial));
    }
    return firstOf(tries);
  }

  private static CompletableFuture<Admitted> unlessEnded(
      CompletableFuture<Admitted> before, Supplier<CompletableFuture<Admitted>> dial) {
    return before
        .copy()
        .orTimeout(REDIAL_AFTER.toMillis(), TimeUnit.MILLISECONDS)
        .<Admitted>thenCompose(_ -> CompletableFuture.failedFuture(new CancellationException()))
        .exceptionallyCompose(
            failure -> before.isDone() ? CompletableFuture.failedFuture(failure) : dial.get());
  }

  private static CompletableFuture<Admitted> firstOf(List<CompletableFuture<Admitted>> tries) {
    return FirstOf.these(
        tries, admitted -> admitted.lanes().close(), (told, next) -> isSilence(told) ? next : told);
  }

  private static boolean isSilence(Throwable failure) {
    return FutureFailure.unwrapped(failure) instanceof JoinException refused
        && refused.reason() == Reason.UNREACHABLE;
  }

  private static Throwable admission(Throwable failure) {
    Throwable why = FutureFailure.unwrapped(failure);
    return why instanceof JoinException refused && refused.reason() == Reason.NO_GRANT
        ? new NotAdmittedException(Hosting.message(refused), refused)
        : why;
  }

  /** Takes both lanes over, once there are two. */
  private CompletableFuture<Admitted> admitted(Joined joined) {
    RequestLimits limits = limits(joined.limits());
    RequestStream control = new RequestStream(joined.control().stream(), limits);
    joined.control().handOver(control);
    RootQuestion root = RootQuestion.ask(control, tickerNanos);
    return joined
        .bulk()
        .thenApply(lane -> {
          BulkRequests bulk = new BulkRequests(lane.lane(), limits);
          lane.handOver(bulk.add(lane.stream()));
          // The first stream carries what is asked until the others are there.
          CompletableFuture<BulkRequests> _ = bulk.open(lane.lane().streams() - 1);
          return new Admitted(joined, new Lanes(control, bulk), root);
        })
        .whenComplete((_, failure) -> {
          if (failure != null) {
            joined.close();
          }
        });
  }

  private static RequestLimits limits(SessionLimits told) {
    // One less than the host takes, so that it goes on reading and a ping is answered.
    return new RequestLimits(
        Math.clamp(told.getRequestsInFlight() - 1, 1, Limits.REQUESTS_IN_FLIGHT - 1),
        Math.clamp(
            told.getBytesInFlight() - Limits.CHUNK_BYTES,
            Limits.CHUNK_BYTES,
            Limits.BYTES_IN_FLIGHT - Limits.CHUNK_BYTES));
  }

  private static Admitted await(CompletableFuture<Admitted> attempt, Duration patience)
      throws JoinException, ControlException, InterruptedException {
    boolean over = false;
    try {
      Admitted admitted = attempt.get(patience.toMillis(), TimeUnit.MILLISECONDS);
      over = true;
      return admitted;
    } catch (ExecutionException failed) {
      if (failed.getCause() != null
          && FutureFailure.unwrapped(failed.getCause()) instanceof JoinException why) {
        throw why;
      }
      throw fault(failed.getCause() == null ? failed : failed.getCause());
    } catch (TimeoutException late) {
      throw new ControlException(
          ErrorKind.TIMED_OUT, "the host did not finish the handshake", "try again", late);
    } finally {
      if (!over) {
        var _ = attempt.thenAccept(late -> late.lanes().close());
      }
    }
  }

  private static ControlException fault(Throwable cause) {
    return new ControlException(
        ErrorKind.FAILED, "joining failed: " + cause, "see the daemon's log", cause);
  }

  private static ControlException unknown(Invitation invitation) {
    return new ControlException(
        ErrorKind.UNKNOWN_CODE,
        "no host on this network answers to " + invitation.masked(),
        "see that it still shares; elsewhere than here it is found by the address that it prints"
            + " beside the code: --peer HOST:PORT");
  }

  private static ControlException explained(Invitation invitation, Tries.Failure failure) {
    return failure.why() instanceof JoinException refused
        ? explained(invitation, failure.address(), refused)
        : fault(failure.why());
  }

  private static ControlException explained(
      Invitation invitation, InetSocketAddress address, JoinException failed) {
    String at = Hosting.text(address);
    return switch (failed.reason()) {
      case UNKNOWN_CODE ->
          new ControlException(
              ErrorKind.UNKNOWN_CODE,
              "%s opens nothing at %s: %s"
                  .formatted(named(invitation), at, Hosting.message(failed)),
              failed.next(),
              failed);
      case WRONG_SECRET ->
          new ControlException(
              ErrorKind.WRONG_CODE,
              "%s is wrong: the host at %s knows another secret".formatted(named(invitation), at),
              failed.next(),
              failed);
      case UNREACHABLE ->
          new ControlException(
              ErrorKind.UNREACHABLE, "nobody answers at " + at, failed.next(), failed);
      case TOO_OLD, TOO_NEW, PROTOCOL -> refused(ErrorKind.INCOMPATIBLE_PEER, failed);
      case SHARE_ENDED, CODE_DEAD, NOT_HOSTED -> refused(ErrorKind.UNKNOWN_CODE, failed);
      case BUSY, TOKEN_REFUSED -> refused(ErrorKind.FAILED, failed);
      case WRONG_HOST, HOST_CHANGED, HOST_UNPROVED, TOO_MANY_GUESSES, NO_GRANT ->
          refused(ErrorKind.NOT_AUTHORISED, failed);
    };
  }

  private static ControlException explained(
      KnownHost known, List<InetSocketAddress> addresses, JoinException failed) {
    String name = "\"" + known.name() + "\"";
    return switch (failed.reason()) {
      case UNREACHABLE ->
          new ControlException(
              ErrorKind.UNREACHABLE,
              addresses.isEmpty()
                  ? "the host of " + name + " is not to be found on this network"
                  : "the host of %s does not answer at %s"
                      .formatted(
                          name,
                          addresses.stream().map(Hosting::text).collect(Collectors.joining(", "))),
              "if it is elsewhere now: --peer HOST:PORT",
              failed);
      case NO_GRANT ->
          new ControlException(
              ErrorKind.NOT_AUTHORISED,
              "the host of " + name + " does not take this machine back without a code",
              failed.next(),
              failed);
      case NOT_HOSTED, SHARE_ENDED ->
          new ControlException(
              ErrorKind.UNKNOWN_CODE,
              "the host of " + name + " does not share it now",
              failed.next(),
              failed);
      case WRONG_HOST ->
          new ControlException(
              ErrorKind.NOT_AUTHORISED,
              Hosting.message(failed),
              "if its user says that the new one is right: wormhole peers forget "
                  + known.host()
                  + ", and join with a code",
              failed);
      case TOO_OLD, TOO_NEW, PROTOCOL -> refused(ErrorKind.INCOMPATIBLE_PEER, failed);
      default -> refused(ErrorKind.FAILED, failed);
    };
  }

  private static String named(Invitation invitation) {
    return invitation instanceof Ticket ? invitation.masked() : "the code " + invitation.masked();
  }

  private static ControlException refused(ErrorKind kind, JoinException failed) {
    return new ControlException(kind, Hosting.message(failed), failed.next(), failed);
  }
}
