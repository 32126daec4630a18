package io.wormhole.daemon.fuse;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** A gate that holds calls until it is opened, and tells how many came and were interrupted. */
public final class Gates implements MemoryFileSystem.Gate {
  private static final long PATIENCE_SECONDS = 20;

  private final Semaphore arrived = new Semaphore(0);
  private final Semaphore interrupted = new Semaphore(0);
  private final CountDownLatch opened = new CountDownLatch(1);

  @Override
  public void pass(MemoryFileSystem.Node node) throws InterruptedException {
    arrived.release();
    try {
      if (!opened.await(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException("nobody opened the gate");
      }
    } catch (InterruptedException e) {
      interrupted.release();
      throw e;
    }
  }

  /** Passes only once the gate is open, whatever interrupts there are. */
  public void passUninterruptibly(MemoryFileSystem.Node node) {
    arrived.release();
    boolean passed = false;
    while (!passed) {
      try {
        passed = opened.await(60, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        interrupted.release();
      }
    }
  }

  public void open() {
    opened.countDown();
  }

  /** Waits until so many more calls have come. */
  public boolean awaitArrived(int calls) throws InterruptedException {
    return arrived.tryAcquire(calls, PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  /** Waits until so many more calls were interrupted. */
  public boolean awaitInterrupted(int calls) throws InterruptedException {
    return interrupted.tryAcquire(calls, PATIENCE_SECONDS, TimeUnit.SECONDS);
  }
}
