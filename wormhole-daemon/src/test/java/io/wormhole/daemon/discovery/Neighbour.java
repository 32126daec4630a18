package io.wormhole.daemon.discovery;

import io.wormhole.protocol.wire.Fingerprint;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.DatagramPacket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MulticastSocket;
import java.net.NetworkInterface;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A machine's multicast DNS as a process of its own, to be started in a network namespace. Takes a
 * line for each thing to do, and answers with a line.
 */
final class Neighbour {
  private Neighbour() {}

  public static void main(String[] args) throws Exception {
    Fingerprint self = Fingerprint.parse(args[0]);
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (Mdns mdns = new Mdns(self, new SecureRandom())) {
      System.out.println("ready");
      for (String line; (line = lines.readLine()) != null; ) {
        System.out.println(answer(mdns, line.split(" ", -1)));
      }
    }
    System.out.println("closed");
  }

  private static String answer(Mdns mdns, String[] words) throws Exception {
    return switch (words[0]) {
      case "publish" -> {
        List<Integer> nameplates = new ArrayList<>();
        for (int i = 2; i < words.length; i++) {
          nameplates.add(Integer.parseInt(words[i]));
        }
        int colon = words[1].lastIndexOf(':');
        mdns.publish(
            Map.of(
                new InetSocketAddress(
                    words[1].substring(0, colon), Integer.parseInt(words[1].substring(colon + 1))),
                nameplates));
        yield "published";
      }
      case "withdraw" -> {
        mdns.publish(Map.of());
        yield "withdrawn";
      }
      case "find" -> first(mdns.claiming(Integer.parseInt(words[1]), seconds(words[2])));
      case "all" -> all(mdns.claiming(Integer.parseInt(words[1]), seconds(words[2])));
      case "key" -> first(mdns.of(Fingerprint.parse(words[1]), seconds(words[2])));
      case "taken" -> Boolean.toString(mdns.isTaken(Integer.parseInt(words[1])));
      case "tick" -> {
        mdns.tick();
        yield "ticked";
      }
      case "capture" -> capture(words[1], words[2]);
      case "send" -> send(words[1], HexFormat.of().parseHex(words[2]), Integer.parseInt(words[3]));
      case "threads" ->
          String.join(
              ",", Thread.getAllStackTraces().keySet().stream().map(Thread::getName).toList());
      default -> throw new IllegalArgumentException(words[0]);
    };
  }

  private static Duration seconds(String word) {
    return Duration.ofSeconds(Long.parseLong(word));
  }

  private static String first(Candidates candidates) throws InterruptedException {
    try (candidates) {
      return candidates.next().map(InetSocketAddress::toString).orElse("nobody");
    }
  }

  private static String all(Candidates candidates) throws InterruptedException {
    try (candidates) {
      List<String> all = new ArrayList<>();
      for (Optional<InetSocketAddress> next = candidates.next();
          next.isPresent();
          next = candidates.next()) {
        all.add(next.get().toString());
      }
      return all.size() + " " + all;
    }
  }

  private static MulticastSocket join(String network, int port) throws IOException {
    MulticastSocket socket = new MulticastSocket(port);
    NetworkInterface at = NetworkInterface.getByName(network);
    socket.setNetworkInterface(at);
    socket.joinGroup(new InetSocketAddress(InetAddress.getByName("224.0.0.251"), port), at);
    return socket;
  }

  /** Every packet until one that says goodbye in the name of a service, in hexadecimal. */
  private static String capture(String network, String began) throws IOException {
    StringBuilder seen = new StringBuilder();
    try (MulticastSocket socket = join(network, 5353)) {
      socket.setSoTimeout(20_000);
      System.out.println(began);
      DatagramPacket packet = new DatagramPacket(new byte[9000], 9000);
      for (int i = 0; i < 100; i++) {
        packet.setLength(9000);
        socket.receive(packet);
        String hex = HexFormat.of().formatHex(packet.getData(), 0, packet.getLength());
        seen.append(hex).append(' ');
        if (isGoodbye(hex)) {
          break;
        }
      }
    }
    return seen.toString();
  }

  /** The service's PTR record (type 12, class 1) with a life of nothing. */
  private static boolean isGoodbye(String hex) {
    return hex.contains("000c000100000000");
  }

  private static String send(String network, byte[] message, int port) throws IOException {
    try (MulticastSocket socket = join(network, port)) {
      socket.send(
          new DatagramPacket(message, message.length, InetAddress.getByName("224.0.0.251"), 5353));
    }
    return "sent";
  }
}
