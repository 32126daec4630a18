package io.wormhole.daemon.discovery;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Looks for hosts on the network for a while: asks, and asks again for who comes or was missed. */
final class Search implements Candidates {
  /** More that claim the same are not tried. */
  static final int HOSTS_MAX = 8;

  private static final long ASK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(700);

  private final Predicate<Advertisement> wanted;
  private final long end;
  private final Runnable ask;
  private final Consumer<Search> closed;
  private final BlockingQueue<InetSocketAddress> found = new LinkedBlockingQueue<>();
  private final Set<InetSocketAddress> seen = new HashSet<>();
  private long nextQuestion = System.nanoTime();
  private int given;

  /**
   * @param ask asks everybody, without waiting
   */
  Search(Predicate<Advertisement> wanted, Duration limit, Runnable ask, Consumer<Search> closed) {
    this.wanted = wanted;
    this.end = System.nanoTime() + limit.toNanos();
    this.ask = ask;
    this.closed = closed;
  }

  /** A host has spoken; any thread. */
  void heard(Advertisement said, InetSocketAddress at) {
    if (wanted.test(said)) {
      synchronized (seen) {
        if (seen.size() < HOSTS_MAX && seen.add(at)) {
          found.add(at);
        }
      }
    }
  }

  @Override
  public Optional<InetSocketAddress> next() throws InterruptedException {
    while (given < HOSTS_MAX) {
      long now = System.nanoTime();
      if (now - nextQuestion >= 0 && now - end < 0) {
        ask.run();
        nextQuestion = now + ASK_AGAIN_NANOS;
      }
      long wait = Math.min(end, nextQuestion) - now;
      InetSocketAddress next = found.poll(Math.max(0, wait), TimeUnit.NANOSECONDS);
      if (next != null) {
        given++;
        return Optional.of(next);
      }
      if (System.nanoTime() - end >= 0) {
        break;
      }
    }
    return Optional.empty();
  }

  @Override
  public void close() {
    closed.accept(this);
  }
}
