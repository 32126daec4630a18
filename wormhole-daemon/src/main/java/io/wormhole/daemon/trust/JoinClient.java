package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.protocol.join.Invitation;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Supplier;

/**
 * The mount's way to a host: a control lane by code or by a key that is known, and beside it a bulk
 * lane by token.
 *
 * <p>Any thread; nothing here waits. The futures fail with a {@link JoinException}, within ten
 * seconds. They complete on an event loop or the executor, so what hangs on them does not wait. Who
 * cancels one gets no lane: one that was being made is closed.
 */
public final class JoinClient {
  private final Endpoint endpoint;
  private final Fingerprint self;
  private final PinnedPeers pins;
  private final Executor executor;
  private final ScheduledExecutorService timer;
  private final SecureRandom random;

  /**
   * @param self this side's own certificate, the one the endpoint shows
   * @param executor stretches codes (a tenth of a second of a core) and shakes hands; not an event
   *     loop
   * @param timer only ends what takes too long, and sets dials off
   */
  public JoinClient(
      Endpoint endpoint,
      Fingerprint self,
      PinnedPeers pins,
      Executor executor,
      ScheduledExecutorService timer,
      SecureRandom random) {
    this.endpoint = endpoint;
    this.self = self;
    this.pins = pins;
    this.executor = executor;
    this.timer = timer;
    this.random = random;
  }

  /**
   * Joins the share that a code or a ticket opens at the host of an address, and pins the host's
   * key. Another key than a ticket's is {@link JoinException.Reason#WRONG_HOST}, and nothing is
   * sent to it.
   */
  public CompletableFuture<Joined> join(
      InetSocketAddress address, Invitation invitation, Introduction introduction) {
    return patiently(() -> {
      try {
        return new JoinEntrance(
                address, invitation, introduction, self, bulkTo(address), pins, executor, random)
            .start(endpoint, timer);
      } catch (RejectedExecutionException full) {
        return CompletableFuture.failedFuture(
            new JoinException(Reason.BUSY, "too much is being joined here at once", full));
      }
    });
  }

  /**
   * Comes back to a share that this side was let in to before. Another key at the address is {@link
   * JoinException.Reason#WRONG_HOST}, and nothing is sent to it.
   */
  public CompletableFuture<Joined> rejoin(
      InetSocketAddress address, Fingerprint host, ShareId share, Introduction introduction) {
    return patiently(() ->
        new ReturnEntrance(address, host, share, introduction, bulkTo(address), pins, executor)
            .start(endpoint, timer));
  }

  private CompletableFuture<Joined> patiently(Supplier<CompletableFuture<Joined>> tries) {
    return new PatientJoin(tries, timer, random).start();
  }

  /** Where the host of a share was found before, the last place first; literal addresses alone. */
  public List<InetSocketAddress> addresses(Fingerprint host, ShareId share) {
    return pins.addresses(host, share);
  }

  private BulkDial bulkTo(InetSocketAddress address) {
    return new BulkDial(address, endpoint, timer);
  }
}
