package io.wormhole.daemon.discovery;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * A service as it is published: by every link that its address is reached by.
 *
 * @param instance random, and no host's name
 * @param bound where lanes are taken; of all interfaces, or of one
 * @param text the TXT record
 */
record Publication(String instance, InetSocketAddress bound, Advertisement text) {
  boolean isReachedAt(InetAddress address) {
    return bound.getAddress().isAnyLocalAddress() || bound.getAddress().equals(address);
  }
}
