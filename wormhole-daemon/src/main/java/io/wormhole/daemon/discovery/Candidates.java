package io.wormhole.daemon.discovery;

import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Addresses to try, as they become known, the likeliest first. One thread. */
public interface Candidates extends AutoCloseable {
  /** The next address; waits for it. Nothing when no more is to be expected. */
  Optional<InetSocketAddress> next() throws InterruptedException;

  /** Looks no further. */
  @Override
  void close();

  /** These, and others once there are no more of these; not looked for before. */
  default Candidates orElse(Supplier<Candidates> others) {
    Candidates first = this;
    return new Candidates() {
      private @Nullable Candidates second;

      @Override
      public Optional<InetSocketAddress> next() throws InterruptedException {
        Optional<InetSocketAddress> next = second == null ? first.next() : Optional.empty();
        if (next.isPresent()) {
          return next;
        }
        if (second == null) {
          second = others.get();
        }
        return second.next();
      }

      @Override
      public void close() {
        first.close();
        if (second != null) {
          second.close();
        }
      }
    };
  }

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
