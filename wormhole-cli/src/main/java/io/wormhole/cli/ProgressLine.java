package io.wormhole.cli;

import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Says what is waited for while it takes longer than a second; gone when closed. */
final class ProgressLine implements AutoCloseable {
  private static final String ERASE_LINE = "\r\u001b[K";

  private final PrintStream terminal;
  private final boolean shown;
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile String text;

  ProgressLine(PrintStream terminal, boolean shown, String text) {
    this.terminal = terminal;
    this.shown = shown;
    this.text = text;
    if (shown) {
      Thread.ofPlatform().daemon().name("progress").start(this::run);
    }
  }

  /** Says something else from now on. */
  void text(String next) {
    text = next;
  }

  @Override
  public void close() {
    synchronized (closed) {
      if (shown && closed.getCount() > 0) {
        terminal.print(ERASE_LINE);
        terminal.flush();
      }
      closed.countDown();
    }
  }

  private void run() {
    try {
      for (int seconds = 1; !closed.await(1, TimeUnit.SECONDS); seconds++) {
        synchronized (closed) {
          if (closed.getCount() > 0) {
            terminal.print(ERASE_LINE + SafeText.clean(text + "… " + seconds + " s"));
            terminal.flush();
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
