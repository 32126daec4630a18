package io.wormhole.daemon.transport;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/**
 * What counts as one source of strangers: an IPv4 address, or the 64 bits before the interface
 * identifier of an IPv6 address, because whoever has one address there has them all.
 *
 * @param bits of the address or prefix, big-endian
 * @param ipv6 which of the two
 */
public record SourcePrefix(long bits, boolean ipv6) {
  /** Where an IPv4 address stands in ::ffff:0:0/96. */
  private static final int MAPPED_OFFSET = 12;

  private static final int MAPPED_MARK = 0xffff;

  /**
   * The source of a peer's address.
   *
   * @throws IllegalArgumentException if it was not resolved, which no peer's address lacks
   */
  public static SourcePrefix of(InetSocketAddress peer) {
    InetAddress address = peer.getAddress();
    if (address == null) {
      throw new IllegalArgumentException("a peer without an address: " + peer);
    }
    ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
    return address instanceof Inet4Address
        ? new SourcePrefix(bytes.getInt(), false)
        : ofIpv6(bytes);
  }

  /** All of IPv4 is one /64 of IPv6, on a socket that serves both. */
  private static SourcePrefix ofIpv6(ByteBuffer ipv6) {
    boolean mapped = ipv6.getLong(0) == 0 && ipv6.getInt(Long.BYTES) == MAPPED_MARK;
    return mapped
        ? new SourcePrefix(ipv6.getInt(MAPPED_OFFSET), false)
        : new SourcePrefix(ipv6.getLong(0), true);
  }
}
