package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.RemoteException;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.Ping;
import io.wormhole.protocol.wire.message.Request;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many requests of one lane are in flight, and who waits for room: a waiting reader before
 * read-ahead, else first come, first served. Keeps deadlines, and the lane alive while nothing
 * happens on it.
 *
 * <p>Everything but {@link #submit} and {@link #cancel} is called on the lane's event loop.
 */
final class RequestWindow {
  private static final Logger LOG = LoggerFactory.getLogger(RequestWindow.class);

  /** Callers that wait for room; one more is turned away. */
  private static final int QUEUED_REQUESTS = 4096;

  private static final long QUIET_NANOS = 1_000_000_000L;

  /** How late a deadline may be noticed. */
  private static final Duration TICK = Duration.ofMillis(20);

  private final ChannelLane lane;
  private final RequestLimits limits;
  private final List<AnswerReader> streams = new CopyOnWriteArrayList<>();
  private final ArrayDeque<PendingRequest> readers = new ArrayDeque<>();
  private final ArrayDeque<PendingRequest> readAhead = new ArrayDeque<>();
  private int requestsInFlight;
  private final PathWindow path = new PathWindow();
  private long bytesInFlight;
  private boolean ticking;
  private volatile Runnable quietListener = () -> {};

  /** Since when nothing was heard though something was asked. */
  private long quietSinceNanos;

  private long heardNanos = System.nanoTime();
  private @Nullable LaneException lost;

  RequestWindow(ChannelLane lane, RequestLimits limits) {
    this.lane = lane;
    this.limits = limits;
    try {
      lane.after(lane.keepAlive(), this::keepAlive);
    } catch (RejectedExecutionException laneGone) {
      LOG.debug("The lane to {} was gone before its first request", lane, laneGone);
    }
  }

  Lane lane() {
    return lane;
  }

  // ---- any thread ----

  void submit(PendingRequest request) {
    try {
      lane.execute(() -> admit(request));
    } catch (RejectedExecutionException laneGone) {
      var _ = lane.closed().thenAccept(request::fail);
    }
  }

  /** Somebody waits for what was read-ahead. */
  void hurry(PendingRequest request) {
    try {
      lane.execute(() -> hurryNow(request));
    } catch (RejectedExecutionException laneGone) {
      LOG.debug("The lane to {} was gone before it was hurried", lane, laneGone);
    }
  }

  void cancel(PendingRequest request) {
    try {
      lane.execute(() -> cancelNow(request));
    } catch (RejectedExecutionException laneGone) {
      LOG.debug("The lane to {} was gone before a cancel", lane, laneGone);
    }
  }

  void whenQuiet(Runnable listener) {
    quietListener = listener;
  }

  void add(AnswerReader stream) {
    streams.add(stream);
  }

  // ---- event loop ----

  void remove(AnswerReader stream) {
    streams.remove(stream);
  }

  /** A frame of the peer has come. */
  void heard() {
    heardNanos = System.nanoTime();
    quietSinceNanos = heardNanos;
  }

  /** The request takes no room any more: others may start. */
  void free(PendingRequest request) {
    requestsInFlight--;
    bytesInFlight -= request.answerBytes();
    startQueued();
  }

  /** A stream has ended; with the last one nothing can be asked any more. */
  void streamEnded(LaneException why) {
    if (streams.isEmpty() && lost == null) {
      lost = why;
      giveUpQueued(_ -> true, why);
    }
  }

  private void admit(PendingRequest request) {
    long now = System.nanoTime();
    if (lost != null) {
      giveUp(request, lost);
    } else if (streams.isEmpty()) {
      giveUp(
          request,
          new LaneException(
              LaneException.Kind.CLOSED_HERE, CloseReason.DONE, "no stream is open for requests"));
    } else if (request.isLate(now)) {
      giveUp(request, request.timeout());
    } else if (nobodyBefore(request) && fits(request)) {
      start(request, now);
    } else if (readers.size() + readAhead.size() >= QUEUED_REQUESTS) {
      giveUp(
          request,
          new TimeoutException(
              "%d requests are in flight and %d wait already"
                  .formatted(requestsInFlight, QUEUED_REQUESTS)));
    } else {
      queueOf(request).add(request);
    }
    tickLater();
  }

  private boolean nobodyBefore(PendingRequest request) {
    return readers.isEmpty() && (!request.isReadAhead() || readAhead.isEmpty());
  }

  private boolean fits(PendingRequest request) {
    long most =
        request.isReadAhead()
            ? Math.min(limits.bytesInFlight(), path.worthwhileBytes())
            : limits.bytesInFlight();
    // One that is larger than all that may be in flight goes alone.
    return requestsInFlight < limits.requestsInFlight()
        && (bytesInFlight == 0 || bytesInFlight + request.answerBytes() <= most);
  }

  private ArrayDeque<PendingRequest> queueOf(PendingRequest request) {
    return request.isReadAhead() ? readAhead : readers;
  }

  private void start(PendingRequest request, long nowNanos) {
    if (requestsInFlight == 0) {
      quietSinceNanos = nowNanos;
    }
    request.marked(path.mark(nowNanos, bytesInFlight == 0));
    requestsInFlight++;
    bytesInFlight += request.answerBytes();
    leastLoaded().send(request, nowNanos);
  }

  /** The stream with the least to come; among equals the one that has waited longest. */
  private AnswerReader leastLoaded() {
    if (streams.size() == 1) {
      return streams.getFirst();
    }
    return streams.stream()
        .min(
            Comparator.comparingLong(AnswerReader::bytesInFlight)
                .thenComparingInt(AnswerReader::requestsInFlight)
                .thenComparingLong(AnswerReader::lastSentId))
        .orElseThrow();
  }

  private void startQueued() {
    while (!streams.isEmpty()) {
      ArrayDeque<PendingRequest> queue = readers.isEmpty() ? readAhead : readers;
      PendingRequest next = queue.peek();
      if (next == null || !fits(next)) {
        return;
      }
      queue.remove();
      start(next, System.nanoTime());
    }
  }

  /** The bytes of an answer have come, of a request that is still to be taken out. */
  void arrived(PendingRequest request, int bytes) {
    PathWindow.Mark sent = request.mark();
    if (sent != null) {
      path.arrived(sent, bytes, System.nanoTime());
    }
  }

  private void hurryNow(PendingRequest request) {
    if (readAhead.remove(request)) {
      request.hurried();
      readers.add(request);
      startQueued();
    }
  }

  private void cancelNow(PendingRequest request) {
    switch (request.stage()) {
      case QUEUED -> {
        if (queueOf(request).remove(request)) {
          giveUp(request, new RemoteException(FailureCode.FAILURE_CODE_CANCELLED));
        }
      }
      case IN_FLIGHT -> {
        request.unwanted();
        request.fail(new RemoteException(FailureCode.FAILURE_CODE_CANCELLED));
        AnswerReader stream = request.stream();
        if (stream != null) {
          stream.sendCancel(request);
        }
      }
      case UNWANTED, DONE -> {
        // The caller has his answer.
      }
    }
  }

  private static void giveUp(PendingRequest request, Throwable why) {
    request.done();
    request.fail(why);
  }

  private void giveUpQueued(Predicate<PendingRequest> which, @Nullable LaneException why) {
    for (ArrayDeque<PendingRequest> queue : List.of(readers, readAhead)) {
      List<PendingRequest> leaving = queue.stream().filter(which).toList();
      queue.removeAll(leaving);
      leaving.forEach(request -> giveUp(request, why != null ? why : request.timeout()));
    }
  }

  private void tickLater() {
    if (!ticking && (requestsInFlight > 0 || !readers.isEmpty() || !readAhead.isEmpty())) {
      ticking = true;
      lane.after(TICK, this::tick);
    }
  }

  private void tick() {
    ticking = false;
    long now = System.nanoTime();
    giveUpQueued(request -> request.isLate(now), null);
    streams.forEach(stream -> stream.expire(now));
    startQueued();
    if (requestsInFlight > 0 && now - quietSinceNanos >= QUIET_NANOS) {
      quietSinceNanos = now;
      quietListener.run();
    }
    tickLater();
  }

  private void keepAlive() {
    if (lost != null) {
      return;
    }
    Duration quiet = Duration.ofNanos(System.nanoTime() - heardNanos);
    Duration left = lane.keepAlive().minus(quiet);
    if (left.isPositive()) {
      lane.after(left, this::keepAlive);
    } else {
      if (!streams.isEmpty()) {
        admit(
            new PendingRequest.Call(
                Request.newBuilder().setPing(Ping.getDefaultInstance()), lane.keepAlive()));
      }
      lane.after(lane.keepAlive(), this::keepAlive);
    }
  }
}
