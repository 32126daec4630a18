package io.wormhole.daemon.trust;

import io.wormhole.protocol.join.JoinCode;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * How a code is made, and how long it is good.
 *
 * @param chosen the code somebody chose; empty for a new one
 * @param life from now; at most {@link #MAX_LIFE}
 * @param once whether it ends with its first successful use
 * @param addresses where the host can be dialled, for the ticket, the likeliest first
 * @param ended is told, in words for a person, when the code ends by itself: it expired, was used
 *     up, or was guessed at too often. Not when it is removed. Returns at once, any thread
 */
public record CodeTerms(
    Optional<JoinCode> chosen,
    Duration life,
    boolean once,
    List<InetSocketAddress> addresses,
    Consumer<String> ended) {
  /** Of a code nobody said anything about. */
  public static final Duration DEFAULT_LIFE = Duration.ofDays(1);

  public static final Duration MAX_LIFE = Duration.ofDays(3650);

  public CodeTerms {
    if (life.isNegative() || life.isZero() || life.compareTo(MAX_LIFE) > 0) {
      throw new IllegalArgumentException("a code that is good for " + life);
    }
    addresses = List.copyOf(addresses);
  }
}
