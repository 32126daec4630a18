package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * The client's side of a trusted lane: requests go out, many at a time, and each answer finds its
 * request. Any thread may call; futures complete on the event loop, so what hangs on them must not
 * wait.
 *
 * <p>Futures fail with {@link io.wormhole.protocol.wire.RemoteException} (the host said no), {@link
 * LaneException} (the lane is gone), {@link java.util.concurrent.TimeoutException} (the deadline
 * has passed).
 */
public interface Requests {
  /** Sends a request whose answer is a message; id and deadline are filled in here. */
  CompletableFuture<Reply> call(Request.Builder request, Duration deadline);

  /** As {@link #call}, for what may be hurried or cancelled. */
  Pending<Reply> ask(Request.Builder request, Duration deadline);

  /**
   * Sends a read.
   *
   * @param destination memory the bytes go to, at least as long as the read; the caller's again,
   *     and not before, when {@link Pending#answer} has completed
   */
  PendingRead read(Request.Builder request, MemorySegment destination, Duration deadline);

  Lane lane();

  /**
   * Has somebody told each time that requests are in flight and nothing has been heard of the peer
   * for a second. On the event loop; one listener, and none before this is called.
   */
  void whenQuiet(Runnable listener);
}
