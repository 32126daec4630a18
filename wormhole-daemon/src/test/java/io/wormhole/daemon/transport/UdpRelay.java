package io.wormhole.daemon.transport;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;

/** A network between one client and a host, which can end without a word. */
final class UdpRelay implements AutoCloseable {
  private final DatagramSocket outside;
  private final DatagramSocket inside;
  private final AtomicReference<SocketAddress> client = new AtomicReference<>();

  UdpRelay(InetSocketAddress host) throws IOException {
    this(host, _ -> true, _ -> true);
  }

  /**
   * @param goes which of the client's datagrams pass
   * @param comesBack which of the host's do
   */
  UdpRelay(
      InetSocketAddress host, Predicate<DatagramPacket> goes, Predicate<DatagramPacket> comesBack)
      throws IOException {
    outside = new DatagramSocket(Wire.anyPort());
    inside = new DatagramSocket(Wire.anyPort());
    Thread.ofVirtual()
        .start(() ->
            relay(
                outside,
                packet -> {
                  if (goes.test(packet)) {
                    client.set(packet.getSocketAddress());
                    packet.setSocketAddress(host);
                    inside.send(packet);
                  }
                }));
    Thread.ofVirtual()
        .start(() ->
            relay(
                inside,
                packet -> {
                  if (comesBack.test(packet)) {
                    packet.setSocketAddress(client.get());
                    outside.send(packet);
                  }
                }));
  }

  /** What the client dials. */
  InetSocketAddress address() {
    return (InetSocketAddress) outside.getLocalSocketAddress();
  }

  /** Nothing passes any more, and nobody is told. */
  void cut() {
    outside.close();
    inside.close();
  }

  @Override
  public void close() {
    cut();
  }

  private interface Forward {
    void pass(DatagramPacket packet) throws IOException;
  }

  private static void relay(DatagramSocket from, Forward forward) {
    byte[] buffer = new byte[65_536];
    try {
      while (!from.isClosed()) {
        DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
        from.receive(packet);
        forward.pass(packet);
      }
    } catch (IOException closed) {
      from.close();
    }
  }
}
