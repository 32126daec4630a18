package io.wormhole.daemon;

import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.Endpoint.LaneAcceptor;
import io.wormhole.daemon.transport.Endpoint.Listener;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Where this daemon takes lanes: at addresses that were asked for, else on all interfaces at a port
 * that was chosen once and is kept in {@code port}, so that a host that comes back is found where
 * it was. A listener is shared by all who ask for its address. Any thread.
 */
final class ListenAddress {
  private static final String FILE = "port";

  /** Each one more makes the ticket longer. */
  private static final int MAX_DIALLED = 4;

  private final Endpoint endpoint;
  private final LaneAcceptor acceptor;
  private final Path file;
  private final Map<InetSocketAddress, Open> open = new HashMap<>();

  private static final class Open {
    final Listener listener;
    int users;

    Open(Listener listener) {
      this.listener = listener;
    }
  }

  ListenAddress(Endpoint endpoint, LaneAcceptor acceptor, Path stateFolder) {
    this.endpoint = endpoint;
    this.acceptor = acceptor;
    this.file = stateFolder.resolve(FILE);
  }

  /** One user's hold on a listener. */
  final class Hold implements AutoCloseable {
    private final InetSocketAddress key;
    private final InetSocketAddress bound;
    private boolean closed;

    private Hold(InetSocketAddress key, InetSocketAddress bound) {
      this.key = key;
      this.bound = bound;
    }

    /** The address bound, which may be of all interfaces. */
    InetSocketAddress bound() {
      return bound;
    }

    /** An address that peers on this network can dial. */
    InetSocketAddress dialled() {
      return bound.getAddress().isAnyLocalAddress()
          ? new InetSocketAddress(ownAddress(), bound.getPort())
          : bound;
    }

    /** Every address that peers may dial, the likeliest first; at most {@value #MAX_DIALLED}. */
    List<InetSocketAddress> allDialled() {
      if (!bound.getAddress().isAnyLocalAddress()) {
        return List.of(bound);
      }
      return Stream.concat(Stream.of(dialled().getAddress()), ownAddresses())
          .map(address -> new InetSocketAddress(address, bound.getPort()))
          .distinct()
          .limit(MAX_DIALLED)
          .toList();
    }

    /** An address that this machine itself can dial. */
    InetSocketAddress local() {
      return bound.getAddress().isAnyLocalAddress()
          ? new InetSocketAddress(InetAddress.getLoopbackAddress(), bound.getPort())
          : bound;
    }

    @Override
    public void close() {
      synchronized (ListenAddress.this) {
        if (!closed) {
          closed = true;
          release(key);
        }
      }
    }
  }

  /**
   * Listens, or joins those who do.
   *
   * @param wanted empty for all interfaces at the kept port
   * @throws IOException if the address is not ours or the port is taken
   */
  synchronized Hold hold(Optional<InetSocketAddress> wanted) throws IOException {
    InetSocketAddress key = wanted.isPresent() ? wanted.get() : new InetSocketAddress(0);
    for (Map.Entry<InetSocketAddress, Open> each : open.entrySet()) {
      InetSocketAddress bound = each.getValue().listener.address();
      if (each.getKey().equals(key) || bound.equals(key)) {
        each.getValue().users++;
        return new Hold(each.getKey(), bound);
      }
    }
    Listener listener =
        wanted.isPresent() ? endpoint.listen(wanted.get(), acceptor) : listenAtKeptPort();
    InetSocketAddress under = wanted.isPresent() ? listener.address() : key;
    Open opened = new Open(listener);
    opened.users = 1;
    open.put(under, opened);
    return new Hold(under, listener.address());
  }

  private void release(InetSocketAddress key) {
    Open held = open.get(key);
    if (held != null && --held.users == 0) {
      open.remove(key);
      held.listener.close();
    }
  }

  private Listener listenAtKeptPort() throws IOException {
    int kept = keptPort();
    if (kept != 0) {
      return endpoint.listen(new InetSocketAddress(kept), acceptor);
    }
    Listener listener = endpoint.listen(new InetSocketAddress(0), acceptor);
    Files.writeString(file, Integer.toString(listener.address().getPort()));
    return listener;
  }

  private int keptPort() throws IOException {
    try {
      int port = Integer.parseInt(Files.readString(file).strip());
      return port > 0 && port < 1 << 16 ? port : 0;
    } catch (NoSuchFileException | NumberFormatException never) {
      return 0;
    }
  }

  /** The first address of an interface that is up and leads out; loopback where there is none. */
  private static InetAddress ownAddress() {
    return ownAddresses().findFirst().orElseGet(InetAddress::getLoopbackAddress);
  }

  /** Those of IPv4 before those of IPv6; none that is good on one link only. */
  private static Stream<InetAddress> ownAddresses() {
    try {
      return NetworkInterface.networkInterfaces()
          .filter(ListenAddress::leadsOut)
          .flatMap(NetworkInterface::inetAddresses)
          .filter(address -> !address.isLinkLocalAddress())
          .sorted(Comparator.comparing(Inet6Address.class::isInstance));
    } catch (IOException none) {
      return Stream.empty();
    }
  }

  private static boolean leadsOut(NetworkInterface network) {
    try {
      return network.isUp() && !network.isLoopback();
    } catch (IOException gone) {
      return false;
    }
  }
}
