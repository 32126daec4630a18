package io.wormhole.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a command does when it is told to end: Ctrl-C, a closed terminal, SIGTERM. While it is open,
 * such a signal has the action done and waits for the command to end by itself, within a bound; the
 * process then ends with the code the command chose.
 */
final class Interruption implements AutoCloseable {
  private static final int END_SECONDS_MAX = 12;

  private final Thread hook;
  private final AtomicBoolean happened = new AtomicBoolean();
  private final AtomicInteger exitCode = new AtomicInteger();
  private final CountDownLatch ended = new CountDownLatch(1);

  private Interruption(Runnable action) {
    this.hook = new Thread(() -> run(action), "interruption");
  }

  static Interruption of(Runnable action) {
    Interruption interruption = new Interruption(action);
    Runtime.getRuntime().addShutdownHook(interruption.hook);
    return interruption;
  }

  boolean happened() {
    return happened.get();
  }

  /** What the process ends with if it was told to end. */
  void exitWith(int code) {
    exitCode.set(code);
  }

  /** The command has ended. Where the process is ending already, this is where it ends. */
  @Override
  public void close() {
    ended.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending: its hook waits for the line above, and ends it.
      happened.set(true);
    }
  }

  private void run(Runnable action) {
    happened.set(true);
    try {
      action.run();
      if (ended.await(END_SECONDS_MAX, TimeUnit.SECONDS)) {
        Runtime.getRuntime().halt(exitCode.get());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
