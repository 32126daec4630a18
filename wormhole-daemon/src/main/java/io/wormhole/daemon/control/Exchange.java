package io.wormhole.daemon.control;

import io.wormhole.protocol.control.ControlError;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlSocket;
import io.wormhole.protocol.control.Deadline;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.HttpHead;
import io.wormhole.protocol.control.HttpMessages;
import io.wormhole.protocol.control.ShareEvent;
import io.wormhole.protocol.control.StreamEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request and its answer. The thread of the connection runs it: while work is done elsewhere it
 * listens, so that it knows at once when whoever asked has gone.
 */
final class Exchange {
  private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);
  private static final Duration WRITE_LIMIT = Duration.ofSeconds(10);
  private static final int EVENTS_MAX = 256;

  private final ControlSocket socket;
  private final ControlJson json;
  private final byte[] body;
  private final BlockingQueue<StreamEvent> events = new LinkedBlockingQueue<>(EVENTS_MAX);
  private boolean begun;
  private boolean gone;

  Exchange(ControlSocket socket, ControlJson json, byte[] body) {
    this.socket = socket;
    this.json = json;
    this.body = body;
  }

  /** Whoever asked has closed the connection, or its sending half. */
  static final class GoneException extends IOException {
    private static final long serialVersionUID = 1L;

    GoneException() {
      super("whoever asked has gone");
    }
  }

  <T> T request(Class<T> type) throws ControlException {
    return json.read(body, type);
  }

  /** Hands an event over for {@link #sendWaiting}; beyond a bound it is dropped. Any thread. */
  void post(StreamEvent event) {
    if (!events.offer(event)) {
      LOG.debug("an owner that does not read missed {}", event.event());
    }
    socket.wakeup();
  }

  /** Ends a running or the next {@link #listen}. Any thread. */
  void wake() {
    socket.wakeup();
  }

  /**
   * Has work done on a virtual thread and sends meanwhile what is posted.
   *
   * @param late takes a result that nobody waits for any more
   * @throws GoneException if whoever asked goes first
   * @throws ControlException what the work failed with, or that the time is over
   */
  <T> T await(Callable<T> work, Duration limit, Consumer<T> late)
      throws IOException, ControlException {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread worker = Thread.ofVirtual().name("control-work").start(() -> complete(result, work));
    Deadline deadline = Deadline.in(limit);
    boolean delivered = false;
    try {
      while (!result.isDone()) {
        if (deadline.hasPassed()) {
          throw new ControlException(
              ErrorKind.TIMED_OUT, "no result after " + limit.toSeconds() + " s", "try again");
        }
        listen(deadline.remaining());
        sendWaiting();
      }
      T value = value(result);
      delivered = true;
      return value;
    } finally {
      if (!delivered) {
        worker.interrupt();
        // The worker's thread is interrupted: what comes late is dealt with on another.
        CompletableFuture<Void> _ = result.thenAcceptAsync(late, Thread::startVirtualThread);
      }
    }
  }

  /**
   * Waits for a post, a {@link #wake} or the time.
   *
   * @throws GoneException if whoever asked has gone
   */
  void listen(Duration atMost) throws IOException {
    if (gone) {
      throw new GoneException();
    }
    if (socket.awaitInput(atMost)) {
      ByteBuffer unasked = ByteBuffer.allocate(256);
      if (socket.read(unasked, Deadline.in(WRITE_LIMIT)) < 0) {
        gone = true;
        throw new GoneException();
      }
    }
  }

  /** Sends what was posted, as far as the other end keeps up. */
  void sendWaiting() throws IOException {
    for (StreamEvent event; (event = events.peek()) != null; events.remove()) {
      if (!begun && event instanceof ShareEvent) {
        // The first line about a share is the share itself; a mount's may be its progress.
        return;
      } else if (!begun) {
        send(event);
      } else if (!socket.offer(HttpMessages.chunk(json.writeLine(event)))) {
        return;
      }
    }
  }

  /** Sends a figure, or nothing if the other end does not keep up. */
  void sendOrDrop(StreamEvent event) throws IOException {
    boolean sent = socket.offer(HttpMessages.chunk(json.writeLine(event)));
    LOG.trace("{} sent: {}", event.event(), sent);
  }

  /** Sends an event that must arrive. */
  void send(StreamEvent event) throws IOException {
    Deadline deadline = Deadline.in(WRITE_LIMIT);
    if (!begun) {
      begun = true;
      socket.write(HttpHead.stream().encode(), deadline);
    }
    socket.write(HttpMessages.chunk(json.writeLine(event)), deadline);
  }

  /** Ends a stream. */
  void end() throws IOException {
    socket.write(HttpMessages.chunk(new byte[0]), Deadline.in(WRITE_LIMIT));
  }

  /** Sends the whole answer. */
  void answer(Object answer) throws IOException {
    answer(200, json.write(answer));
  }

  /** Answers with a failure; within a stream it is the last line. */
  void fail(ControlError error) throws IOException {
    byte[] failure = json.write(new ControlError.Envelope(error));
    if (begun) {
      socket.write(HttpMessages.chunk(failure), Deadline.in(WRITE_LIMIT));
      end();
    } else {
      answer(error.kind().httpStatus(), failure);
    }
  }

  private void answer(int status, byte[] content) throws IOException {
    Deadline deadline = Deadline.in(WRITE_LIMIT);
    socket.write(HttpHead.answer(status, content.length).encode(), deadline);
    socket.write(ByteBuffer.wrap(content), deadline);
  }

  /** Everything the work throws is its result: nothing else would hear of it. */
  private <T> void complete(CompletableFuture<T> result, Callable<T> work) {
    try {
      result.complete(work.call());
    } catch (Throwable e) {
      result.completeExceptionally(e);
    } finally {
      socket.wakeup();
    }
  }

  private static <T> T value(CompletableFuture<T> result) throws ControlException {
    try {
      return result.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof ControlException known) {
        throw known;
      }
      LOG.error("a request failed", e.getCause());
      throw new ControlException(
          ErrorKind.FAILED, "the daemon failed: " + e.getCause(), "its log says more", e);
    }
  }
}
