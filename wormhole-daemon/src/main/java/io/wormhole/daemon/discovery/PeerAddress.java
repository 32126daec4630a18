package io.wormhole.daemon.discovery;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * An address as a person writes it: {@code HOST:PORT}, {@code [IPV6]:PORT}.
 *
 * @param host a name or a literal address, without brackets
 * @param port 1 to 65,535, or 0 where any free port will do
 */
public record PeerAddress(String host, int port) {
  private static final int MAX_PORT = 65_535;

  /**
   * Reads an address.
   *
   * @param portZero whether port 0 is meant to be possible: yes to bind, no to dial
   * @throws IllegalArgumentException with one line that says what is wrong
   */
  public static PeerAddress parse(String text, boolean portZero) {
    int colon = text.lastIndexOf(':');
    boolean bracketed = text.startsWith("[");
    if (colon <= 0
        || (bracketed && text.charAt(colon - 1) != ']')
        || (!bracketed && text.indexOf(':') != colon)) {
      throw new IllegalArgumentException(
          "'" + text + "' is no address: write HOST:PORT, an IPv6 address as [ADDR]:PORT");
    }
    String host = bracketed ? text.substring(1, colon - 1) : text.substring(0, colon);
    int port;
    try {
      port = Integer.parseInt(text.substring(colon + 1));
    } catch (NumberFormatException notANumber) {
      port = -1;
    }
    if (host.isBlank() || port < (portZero ? 0 : 1) || port > MAX_PORT) {
      throw new IllegalArgumentException(
          "'" + text + "' is no address: the port is a number from 1 to " + MAX_PORT);
    }
    return new PeerAddress(host, port);
  }

  /**
   * The addresses of the name, in the resolver's order.
   *
   * @throws IOException if there are none, or the resolver does not answer by the deadline
   */
  public List<InetSocketAddress> resolve(Duration deadline)
      throws IOException, InterruptedException {
    CompletableFuture<InetAddress[]> answer = new CompletableFuture<>();
    // The system's resolver has no deadline of its own; a thread it holds up is left to it.
    Thread.ofVirtual()
        .name("resolve")
        .start(() -> {
          try {
            answer.complete(InetAddress.getAllByName(host));
          } catch (UnknownHostException unknown) {
            answer.completeExceptionally(unknown);
          }
        });
    try {
      List<InetSocketAddress> addresses = new ArrayList<>();
      for (InetAddress address : answer.get(deadline.toNanos(), TimeUnit.NANOSECONDS)) {
        addresses.add(new InetSocketAddress(address, port));
      }
      return addresses;
    } catch (ExecutionException unknown) {
      throw new IOException("no machine is known by the name '" + host + "'", unknown);
    } catch (TimeoutException late) {
      throw new IOException("the name '" + host + "' could not be looked up in time", late);
    }
  }

  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}
