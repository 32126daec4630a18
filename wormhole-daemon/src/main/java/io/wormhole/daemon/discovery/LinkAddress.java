package io.wormhole.daemon.discovery;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Where this machine stands on one of its networks.
 *
 * @param network the interface's name
 * @param address an IPv4 address where there is one, else one of IPv6
 * @param prefixes of all the interface's addresses, by which its neighbours are known
 */
record LinkAddress(String network, InetAddress address, List<Prefix> prefixes) {
  private static final int LINKS_MAX = 8;
  private static final int PREFIXES_MAX = 32;

  /**
   * The addresses of one subnet.
   *
   * @param bits how many leading ones they share
   */
  record Prefix(InetAddress address, int bits) {
    boolean covers(InetAddress other) {
      byte[] ours = address.getAddress();
      byte[] theirs = other.getAddress();
      if (ours.length != theirs.length || bits > ours.length * Byte.SIZE) {
        return false;
      }
      for (int bit = 0; bit < bits; bit++) {
        int mask = 0x80 >> (bit % Byte.SIZE);
        if (((ours[bit / Byte.SIZE] ^ theirs[bit / Byte.SIZE]) & mask) != 0) {
          return false;
        }
      }
      return true;
    }
  }

  /**
   * The networks that are up, take multicast, and lead to other machines; at most {@link
   * #LINKS_MAX}.
   *
   * @throws IOException if the system does not tell
   */
  static List<LinkAddress> all() throws IOException {
    List<LinkAddress> all = new ArrayList<>();
    List<NetworkInterface> interfaces =
        NetworkInterface.networkInterfaces()
            .sorted(Comparator.comparingInt(NetworkInterface::getIndex))
            .toList();
    for (NetworkInterface each : interfaces) {
      if (all.size() < LINKS_MAX && isSuitable(each)) {
        of(each).ifPresent(all::add);
      }
    }
    return all;
  }

  /** Whether the sender is a neighbour: on the subnet of one of the interface's addresses. */
  boolean isNeighbour(InetAddress sender) {
    return prefixes.stream().anyMatch(prefix -> prefix.covers(sender));
  }

  /** The address under a name that is given, so that nobody asks a name server for one. */
  InetAddress named(String name) throws UnknownHostException, SocketException {
    return address instanceof Inet6Address
        ? Inet6Address.getByAddress(name, address.getAddress(), NetworkInterface.getByName(network))
        : InetAddress.getByAddress(name, address.getAddress());
  }

  private static boolean isSuitable(NetworkInterface candidate) {
    try {
      return candidate.isUp()
          && candidate.supportsMulticast()
          && !candidate.isLoopback()
          && !candidate.isPointToPoint();
    } catch (SocketException gone) {
      return false;
    }
  }

  private static Optional<LinkAddress> of(NetworkInterface network) {
    List<InterfaceAddress> addresses =
        network.getInterfaceAddresses().stream().limit(PREFIXES_MAX).toList();
    List<Prefix> prefixes =
        addresses.stream()
            .map(each -> new Prefix(each.getAddress(), each.getNetworkPrefixLength()))
            .toList();
    return addresses.stream()
        .map(InterfaceAddress::getAddress)
        .min(Comparator.comparing(address -> !(address instanceof Inet4Address)))
        .map(address -> new LinkAddress(network.getName(), address, prefixes));
  }
}
