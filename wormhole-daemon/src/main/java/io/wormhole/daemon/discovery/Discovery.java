package io.wormhole.daemon.discovery;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * How the nameplate of a code becomes addresses to dial: the address that was given, else this
 * daemon's own shares. Only the nameplate is ever seen here, never the secret.
 */
public final class Discovery {
  private final IntFunction<Optional<InetSocketAddress>> ownShares;

  /**
   * @param ownShares where this daemon itself serves a nameplate
   */
  public Discovery(IntFunction<Optional<InetSocketAddress>> ownShares) {
    this.ownShares = ownShares;
  }

  /**
   * Addresses that may serve a code, the likeliest first; none when nobody is known to.
   *
   * @throws IOException if a given name has no address
   */
  public List<InetSocketAddress> find(int nameplate, Optional<PeerAddress> given, Duration deadline)
      throws IOException, InterruptedException {
    if (given.isPresent()) {
      return given.get().resolve(deadline);
    }
    return ownShares.apply(nameplate).map(List::of).orElseGet(List::of);
  }
}
