package io.wormhole.daemon.host;

import io.wormhole.protocol.wire.message.FailureCode;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A file descriptor that is closed exactly once, and not while a call uses it: its number could be
 * another file's by then.
 */
final class Descriptor implements AutoCloseable {
  private final int number;

  /** The owner counts for one until {@link #close}. */
  private final AtomicInteger users = new AtomicInteger(1);

  private final AtomicBoolean closing = new AtomicBoolean();

  /**
   * Takes over an open descriptor.
   *
   * @param number 0 or more
   */
  Descriptor(int number) {
    this.number = number;
  }

  /**
   * The number, to be used until {@link #leave}.
   *
   * @throws FailureException BAD_HANDLE when it was closed
   */
  int enter() throws FailureException {
    int count = users.get();
    while (count > 0 && !closing.get()) {
      if (users.compareAndSet(count, count + 1)) {
        return number;
      }
      count = users.get();
    }
    throw new FailureException(FailureCode.FAILURE_CODE_BAD_HANDLE);
  }

  /** Ends one {@link #enter}. */
  void leave() {
    if (users.decrementAndGet() == 0) {
      try (CallFrame frame = new CallFrame()) {
        frame.closeDescriptor(number);
      }
    }
  }

  @Override
  public void close() {
    if (closing.compareAndSet(false, true)) {
      leave();
    }
  }
}
