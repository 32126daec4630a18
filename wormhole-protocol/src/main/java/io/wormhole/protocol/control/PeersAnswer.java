package io.wormhole.protocol.control;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Peers that are known: all of them, or those that a request has changed. Names are as a peer gives
 * them or as they were renamed here: never printed raw.
 *
 * @param peers who may come to our shares, one for each share of each peer
 * @param hosts shares of others that were mounted here
 */
public record PeersAnswer(List<Guest> peers, List<KnownShare> hosts) {
  public PeersAnswer {
    peers = List.copyOf(peers);
    hosts = List.copyOf(hosts);
  }

  /**
   * A peer at a share of ours.
   *
   * @param fingerprint hexadecimal
   * @param share the share's name; null if it is not known any more
   * @param firstSeen ISO-8601, like {@code lastSeen}; both null for a peer that is in and will need
   *     a code the next time
   * @param connected whether it is in now
   */
  public record Guest(
      String name,
      String fingerprint,
      @Nullable String share,
      String shareId,
      boolean writable,
      @Nullable String firstSeen,
      @Nullable String lastSeen,
      boolean connected) {}

  /**
   * A share of another machine.
   *
   * @param name what it is called here, and mounted by
   * @param fingerprint of the host, hexadecimal
   * @param share what the host calls it
   * @param addresses {@code HOST:PORT}, the last one first
   * @param mounted whether it is mounted now
   */
  public record KnownShare(
      String name,
      String fingerprint,
      String share,
      String shareId,
      List<String> addresses,
      String firstSeen,
      String lastSeen,
      boolean mounted) {
    public KnownShare {
      addresses = List.copyOf(addresses);
    }
  }
}
