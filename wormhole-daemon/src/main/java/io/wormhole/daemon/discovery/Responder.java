package io.wormhole.daemon.discovery;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.InetAddress;
import java.net.MulticastSocket;
import java.net.SocketAddress;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import javax.jmdns.ServiceInfo;
import javax.jmdns.impl.DNSOutgoing;
import javax.jmdns.impl.DNSStatefulObject;
import javax.jmdns.impl.JmDNSImpl;
import org.jspecify.annotations.Nullable;

/**
 * JmDNS as a responder on one network, and no more than that.
 *
 * <ul>
 *   <li>It sees only the packets that its owner admits. All of them, it would keep.
 *   <li>It does not probe: its names are random and 64 bits or longer. So it answers at once, where
 *       probing and announcing take it five seconds.
 *   <li>It does not recover from a network that failed: its owner opens another.
 * </ul>
 */
final class Responder extends JmDNSImpl {
  static final int MULTICAST_DNS_PORT = 5353;

  /** More than there are states between nothing and announced. */
  private static final int STATES_MAX = 16;

  private volatile @Nullable Predicate<DatagramPacket> admitted;
  private volatile boolean failed;
  private volatile @Nullable CountDownLatch goodbye;

  // Not initialised here: the constructor above uses them before initialisers run.
  private @Nullable Admission admission;

  /**
   * Joins the network; hears nothing before {@link #begin}.
   *
   * @param address of this machine, with a host name, so that none is looked up
   * @param name what the machine is called there, instead of its name
   */
  Responder(InetAddress address, String name) throws IOException {
    super(address, name);
  }

  /** Hears what is admitted, from now on. */
  void begin(Predicate<DatagramPacket> admits) {
    admitted = admits;
  }

  /** Sends a message of ours to everybody on the network. */
  void ask(byte[] message) throws IOException {
    MulticastSocket socket = super.getSocket();
    if (socket == null || socket.isClosed()) {
      throw new IOException("the network is closed");
    }
    socket.send(new DatagramPacket(message, message.length, getGroup(), MULTICAST_DNS_PORT));
  }

  boolean hasFailed() {
    return failed;
  }

  /**
   * What is counted down when a goodbye has been sent.
   *
   * @param needed whether anything was ever announced; else it is down already
   */
  CountDownLatch goodbye(boolean needed) {
    CountDownLatch said = new CountDownLatch(needed ? 1 : 0);
    goodbye = said;
    return said;
  }

  @Override
  public void send(DNSOutgoing out) throws IOException {
    super.send(out);
    CountDownLatch said = goodbye;
    if (said != null && isCanceling()) {
      said.countDown();
    }
  }

  /** Straight to what follows upon probes that nobody objected to. */
  @Override
  public void startProber() {
    announced(this);
    for (ServiceInfo service : getServices().values()) {
      if (service instanceof DNSStatefulObject stateful) {
        announced(stateful);
      }
    }
  }

  private static void announced(DNSStatefulObject object) {
    for (int i = 0; i < STATES_MAX && (object.isProbing() || object.isAnnouncing()); i++) {
      object.advanceState(null);
    }
  }

  @Override
  public void recover() {
    failed = true;
  }

  /** What the receiving thread reads from. */
  @Override
  @SuppressWarnings("ReferenceEquality")
  public @Nullable MulticastSocket getSocket() {
    MulticastSocket socket = super.getSocket();
    if (socket == null) {
      return null;
    }
    Admission open = admission;
    if (open == null || open.socket != socket) {
      try {
        open = new Admission(socket);
      } catch (IOException noDescriptor) {
        throw new IllegalStateException("no descriptor is left", noDescriptor);
      }
      admission = open;
    }
    return open;
  }

  /** A socket of which only what is admitted is received. */
  private final class Admission extends MulticastSocket {
    private final MulticastSocket socket;

    Admission(MulticastSocket socket) throws IOException {
      super((SocketAddress) null);
      this.socket = socket;
    }

    @Override
    public void receive(DatagramPacket packet) throws IOException {
      int capacity = packet.getLength();
      while (true) {
        packet.setLength(capacity);
        socket.receive(packet);
        Predicate<DatagramPacket> admits = admitted;
        if (admits != null && admits.test(packet)) {
          return;
        }
      }
    }

    @Override
    public boolean isClosed() {
      return socket.isClosed();
    }

    @Override
    public void close() {
      super.close();
      socket.close();
    }
  }
}
