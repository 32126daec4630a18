package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.FailureCode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The host's side of one trusted lane: takes the requests of its streams, has them handled on
 * {@code host-io} threads, and sends each its one answer. Pings are answered here.
 *
 * <p>Nothing piles up: past the lane's limits its streams are not read any further, and while a
 * stream's answers wait to leave no more of its requests are handled. A waiting reader's requests
 * are handled before read-ahead, whichever streams they came on.
 *
 * <p>The lock is held for book-keeping only, never while something is handled, sent or waited for.
 */
public final class RequestServer {
  private static final Logger LOG = LoggerFactory.getLogger(RequestServer.class);

  /** Answers of one stream that may wait to leave before its next request is handled, or read. */
  private static final long WAITING_ANSWER_BYTES = 1 << 20;

  /**
   * Payloads of requests in flight that a lane is read up to. A request as clients make them has a
   * hundred bytes; one made to be large may take thirty times its size here.
   */
  private static final long WAITING_REQUEST_BYTES = 256 << 10;

  /** Requests one task handles before it lets other lanes' tasks run. */
  private static final int REQUESTS_PER_TURN = 8;

  private final RequestHandler handler;
  private final Executor hostIo;
  private final int parallelism;

  private final ReentrantLock lock = new ReentrantLock();
  private final List<ServedStream> streams = new ArrayList<>();
  private int requestsInFlight;
  private long bytesInFlight;
  private long requestBytes;
  private int tasks;
  private int turn;
  private boolean readingStopped;

  /**
   * The server of one lane.
   *
   * @param hostIo where requests are handled; may be shared by lanes
   * @param parallelism requests of this lane handled at a time
   */
  public RequestServer(RequestHandler handler, Executor hostIo, int parallelism) {
    this.handler = handler;
    this.hostIo = hostIo;
    this.parallelism = parallelism;
  }

  /** The handler of one more stream of the lane. */
  public FrameHandler stream() {
    ServedStream stream = new ServedStream(this);
    lock.lock();
    try {
      streams.add(stream);
    } finally {
      lock.unlock();
    }
    return stream;
  }

  // ---- event loop ----

  void accept(ServedStream served, ServedRequest request, FrameStream from) throws WireException {
    boolean stop;
    lock.lock();
    try {
      if (!served.add(request, from)) {
        throw new WireException("request %d twice".formatted(request.request().getId()));
      }
      requestsInFlight++;
      bytesInFlight += request.answerBytes();
      requestBytes += request.payloadBytes();
      stop = !readingStopped && isFull();
      readingStopped |= stop;
    } finally {
      lock.unlock();
    }
    if (stop) {
      applyReading();
    }
    startTasks();
  }

  void cancel(ServedStream served, long id, FrameStream from) {
    ServedRequest waiting = null;
    LeavingChunk leaving;
    lock.lock();
    try {
      ServedRequest request = served.find(id);
      if (request != null) {
        request.cancel();
        waiting = served.unqueue(request) ? request : null;
      }
      leaving = served.findLeaving(id);
    } finally {
      lock.unlock();
    }
    if (waiting != null) {
      waiting.fail(FailureCode.FAILURE_CODE_CANCELLED);
    }
    if (leaving != null) {
      leaving.cancel(from);
    }
  }

  /**
   * A request was answered without waiting for its turn. A peer that asks so and does not read what
   * it is answered is not read any further either.
   */
  void answeredAtOnce(ServedStream served, FrameStream from) {
    if (from.queuedMessageBytes() < WAITING_ANSWER_BYTES) {
      return;
    }
    lock.lock();
    try {
      if (!served.leaveUnread(from)) {
        return;
      }
    } finally {
      lock.unlock();
    }
    from.readEnabled(false);
    from.whenDrained(() -> readAgain(served));
  }

  private void readAgain(ServedStream served) {
    lock.lock();
    try {
      served.readAgain();
    } finally {
      lock.unlock();
    }
    applyReading();
  }

  void ended(ServedStream served) {
    lock.lock();
    try {
      streams.remove(served);
      for (ServedRequest request : served.clear()) {
        request.cancel();
        requestsInFlight--;
        bytesInFlight -= request.answerBytes();
        requestBytes -= request.payloadBytes();
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- any thread ----

  /** A chunk is about to wait for its turn to leave. */
  void leaves(LeavingChunk chunk) {
    lock.lock();
    try {
      chunk.stream().leaves(chunk);
    } finally {
      lock.unlock();
    }
  }

  /** Its turn has come. */
  void left(LeavingChunk chunk) {
    lock.lock();
    try {
      chunk.stream().left(chunk);
    } finally {
      lock.unlock();
    }
  }

  /** The request has its answer. */
  void finished(ServedRequest request) {
    boolean resume;
    lock.lock();
    try {
      ServedStream served = request.servedStream();
      if (served.find(request.request().getId()) != request) {
        // Its stream has ended meanwhile.
        return;
      }
      served.finished(request);
      requestsInFlight--;
      bytesInFlight -= request.answerBytes();
      requestBytes -= request.payloadBytes();
      resume = readingStopped && !isFull();
      readingStopped &= !resume;
    } finally {
      lock.unlock();
    }
    FrameStream stream = request.servedStream().stream();
    if (resume && stream != null) {
      try {
        ((ChannelLane) stream.lane()).execute(this::applyReading);
      } catch (RejectedExecutionException laneGone) {
        LOG.debug("The lane to {} went while it was answered", stream.lane(), laneGone);
      }
    }
  }

  private boolean isFull() {
    return requestsInFlight >= Limits.REQUESTS_IN_FLIGHT
        || bytesInFlight >= Limits.BYTES_IN_FLIGHT
        || requestBytes >= WAITING_REQUEST_BYTES;
  }

  /** Brings the streams in line with what was decided last. On the event loop. */
  private void applyReading() {
    List<FrameStream> all = new ArrayList<>();
    boolean stopped;
    lock.lock();
    try {
      stopped = readingStopped;
      for (ServedStream served : streams) {
        FrameStream stream = served.stream();
        if (stream != null && (stopped || !served.isLeftUnread())) {
          all.add(stream);
        }
      }
    } finally {
      lock.unlock();
    }
    all.forEach(stream -> stream.readEnabled(!stopped));
  }

  private void startTasks() {
    while (true) {
      lock.lock();
      try {
        if (tasks >= parallelism || !hasRunnable()) {
          return;
        }
        tasks++;
      } finally {
        lock.unlock();
      }
      submitTask();
    }
  }

  private void submitTask() {
    try {
      hostIo.execute(this::work);
    } catch (RejectedExecutionException daemonEnds) {
      taskEnded();
      LOG.debug("Requests are left unanswered: the daemon ends", daemonEnds);
    }
  }

  private void taskEnded() {
    lock.lock();
    try {
      tasks--;
    } finally {
      lock.unlock();
    }
  }

  private void work() {
    boolean goesOn = true;
    try {
      for (int i = 0; i < REQUESTS_PER_TURN && goesOn; i++) {
        ServedRequest next = takeNext();
        goesOn = next != null;
        if (next != null) {
          handle(next);
        }
      }
    } finally {
      // Also when there was no memory for an answer: the lane's next requests find some.
      if (goesOn) {
        submitTask();
      }
    }
  }

  /** The request to handle now; without one the task is over. */
  private @Nullable ServedRequest takeNext() {
    lock.lock();
    try {
      for (boolean ofReadAhead : new boolean[] {false, true}) {
        for (int i = 0; i < streams.size(); i++) {
          ServedStream served = streams.get((turn + i) % streams.size());
          if (served.hasQueued(ofReadAhead) && !isClogged(served)) {
            turn = (turn + i + 1) % streams.size();
            return served.next(ofReadAhead);
          }
        }
      }
      tasks--;
      return null;
    } finally {
      lock.unlock();
    }
  }

  private boolean hasRunnable() {
    for (ServedStream served : streams) {
      if ((served.hasQueued(false) || served.hasQueued(true)) && !isClogged(served)) {
        return true;
      }
    }
    return false;
  }

  /** Whether enough answers wait on this stream; if so, tasks start again once they have left. */
  private boolean isClogged(ServedStream served) {
    FrameStream stream = served.stream();
    if (stream == null || stream.queuedBytes() < WAITING_ANSWER_BYTES) {
      return false;
    }
    if (!served.awaitsDrain()) {
      served.awaitsDrain(true);
      stream.whenDrained(() -> drained(served));
    }
    return true;
  }

  private void drained(ServedStream served) {
    lock.lock();
    try {
      served.awaitsDrain(false);
    } finally {
      lock.unlock();
    }
    startTasks();
  }

  private void handle(ServedRequest request) {
    try {
      if (request.isLate()) {
        request.fail(FailureCode.FAILURE_CODE_TOO_LATE);
        return;
      }
      handler.handle(request.request(), request);
      if (!request.isAnswered()) {
        LOG.error("{} was handled without an answer", request.request().getBodyCase());
      }
    } catch (RuntimeException fault) {
      LOG.error("Handling {} failed", request.request().getBodyCase(), fault);
    } finally {
      if (!request.isAnswered()) {
        request.fail(FailureCode.FAILURE_CODE_IO);
      }
    }
  }
}
