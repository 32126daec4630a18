package io.wormhole.daemon.transport;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;

/** What an address tells of the path to it. */
final class PeerAddress {
  static final String LOOPBACK = "loopback";
  static final String LAN = "lan";
  static final String DIRECT = "direct";

  private PeerAddress() {}

  /**
   * {@code loopback} for this machine by whichever of its addresses, {@code lan} for private and
   * link-local addresses (RFC 1918, RFC 3927, RFC 4193, RFC 4291), {@code direct} for others.
   */
  static String pathKind(InetAddress remote) {
    if (remote.isLoopbackAddress() || isOurs(remote)) {
      return LOOPBACK;
    }
    if (remote.isSiteLocalAddress() || remote.isLinkLocalAddress() || isUniqueLocal(remote)) {
      return LAN;
    }
    return DIRECT;
  }

  private static boolean isUniqueLocal(InetAddress address) {
    return address instanceof Inet6Address && (address.getAddress()[0] & 0xfe) == 0xfc;
  }

  private static boolean isOurs(InetAddress address) {
    try {
      return NetworkInterface.getByInetAddress(address) != null;
    } catch (SocketException noInterfacesToAsk) {
      return false;
    }
  }
}
