package io.wormhole.daemon.discovery;

import io.wormhole.protocol.wire.Fingerprint;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * How the nameplate of a code becomes addresses to dial: the address that was given, else this
 * daemon's own shares, else whoever answers to it on this network. Only the nameplate is ever seen
 * here, never the secret.
 */
public final class Discovery {
  private static final Duration SEARCH_LIMIT = Duration.ofSeconds(3);

  private final IntFunction<Optional<InetSocketAddress>> ownShares;
  private final LocalNetwork network;

  /**
   * @param ownShares where this daemon itself serves a nameplate
   */
  public Discovery(IntFunction<Optional<InetSocketAddress>> ownShares, LocalNetwork network) {
    this.ownShares = ownShares;
    this.network = network;
  }

  /**
   * Addresses that may serve a code; none when nobody is known to.
   *
   * @param deadline for a name that is given
   * @throws IOException if a given name has no address
   */
  public Candidates find(int nameplate, Optional<PeerAddress> given, Duration deadline)
      throws IOException, InterruptedException {
    if (given.isPresent()) {
      return Candidates.of(given.get().resolve(deadline));
    }
    Optional<InetSocketAddress> own = ownShares.apply(nameplate);
    return own.isPresent()
        ? Candidates.of(List.of(own.get()))
        : network.claiming(nameplate, SEARCH_LIMIT);
  }

  /**
   * Addresses that may serve a ticket: our own, else those it names, else where its host says that
   * it is.
   */
  public Candidates find(int nameplate, Fingerprint host, List<InetSocketAddress> named) {
    Optional<InetSocketAddress> own = ownShares.apply(nameplate);
    return own.isPresent()
        ? Candidates.of(List.of(own.get()))
        : Candidates.of(named).orElse(() -> network.of(host, SEARCH_LIMIT));
  }

  /** Addresses on this network where the host of a key says that it is. */
  public Candidates find(Fingerprint host) {
    return network.of(host, SEARCH_LIMIT);
  }
}
