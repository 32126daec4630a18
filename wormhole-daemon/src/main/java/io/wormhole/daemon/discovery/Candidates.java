package io.wormhole.daemon.discovery;

import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;

/** Addresses to try, as they become known, the likeliest first. One thread. */
public interface Candidates extends AutoCloseable {
  /** The next address; waits for it. Nothing when no more is to be expected. */
  Optional<InetSocketAddress> next() throws InterruptedException;

  /** Looks no further. */
  @Override
  void close();

  /** Addresses that are known already. */
  static Candidates of(List<InetSocketAddress> known) {
    Queue<InetSocketAddress> left = new ArrayDeque<>(known);
    return new Candidates() {
      @Override
      public Optional<InetSocketAddress> next() {
        return Optional.ofNullable(left.poll());
      }

      @Override
      public void close() {
        left.clear();
      }
    };
  }
}
