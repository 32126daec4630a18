package io.wormhole.daemon.discovery;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.InetAddress;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import javax.jmdns.ServiceInfo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This machine on one of its networks: publishes there, asks there, and hands on what hosts there
 * say. What comes in is looked at here first, on the thread that received it.
 */
final class Link implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Link.class);
  private static final String TYPE = MulticastMessage.SERVICE + ".";
  private static final String META_QUERY = "_services._dns-sd._udp.local";

  /** Queries that are answered in a second; more of them are somebody's mistake, or malice. */
  private static final int QUERIES_PER_SECOND = 20;

  /** Packets that are looked at in a second; a network with more has other troubles. */
  private static final int PACKETS_PER_SECOND = 2000;

  private static final int CLOSE_SECONDS_MAX = 1;

  private final LinkAddress at;
  private final BiConsumer<MulticastMessage.Host, InetAddress> heard;
  private final Responder responder;
  private final Map<Publication, ServiceInfo> published = new ConcurrentHashMap<>();

  /** Whether anything was ever published; the last goodbye to it may be on its way. */
  private volatile boolean spoke;

  private final Budget queries = new Budget(QUERIES_PER_SECOND);
  private final Budget packets = new Budget(PACKETS_PER_SECOND);

  /**
   * @param name random, and no machine's name
   * @param heard told of each host that says something, and where from; on a thread of this link's
   * @throws IOException if the network cannot be joined
   */
  Link(LinkAddress at, String name, BiConsumer<MulticastMessage.Host, InetAddress> heard)
      throws IOException {
    this.at = at;
    this.heard = heard;
    this.responder = new Responder(at.named(name), name);
    responder.begin(this::admits);
  }

  /** So many in each second. One thread. */
  private static final class Budget {
    private final int perSecond;
    private long second;
    private int left;

    Budget(int perSecond) {
      this.perSecond = perSecond;
    }

    boolean take() {
      long now = System.nanoTime() / 1_000_000_000L;
      if (now != second) {
        second = now;
        left = perSecond;
      }
      return left-- > 0;
    }
  }

  /**
   * Hands on what hosts announce, and lets plain queries for our service through to the responder.
   * It gets nothing else: it would keep every record of every machine, without a bound.
   */
  private boolean admits(DatagramPacket packet) {
    if (!at.isNeighbour(packet.getAddress()) || !packets.take()) {
      return false;
    }
    MulticastMessage message =
        MulticastMessage.parse(packet.getData(), packet.getLength()).orElse(null);
    if (message == null) {
      return false;
    }
    // An answer from another port is none (RFC 6762, section 11).
    if (packet.getPort() == Responder.MULTICAST_DNS_PORT) {
      message.hosts().forEach(host -> heard.accept(host, packet.getAddress()));
    }
    return message.plainQuery()
        && message.asked().stream().anyMatch(this::isOurs)
        && queries.take();
  }

  private boolean isOurs(String name) {
    return name.endsWith(MulticastMessage.SERVICE)
        || name.equals(META_QUERY)
        || name.concat(".").equalsIgnoreCase(responder.getHostName());
  }

  /** Asks all hosts on this network to answer. */
  void ask() {
    try {
      responder.ask(MulticastMessage.query());
    } catch (IOException failed) {
      LOG.debug("{}: nobody was asked", at, failed);
      responder.recover();
    }
  }

  /** Whether the network has failed under it; it is to be closed, and another opened. */
  boolean hasFailed() {
    return responder.hasFailed();
  }

  /** Publishes these and no others. Not by two threads at once. */
  void publish(Collection<Publication> wanted) {
    for (Publication each : published.keySet()) {
      if (!wanted.contains(each)) {
        withdraw(each);
      }
    }
    boolean fresh = false;
    for (Publication each : wanted) {
      if (each.isReachedAt(at.address()) && !published.containsKey(each)) {
        fresh |= add(each);
      }
    }
    if (fresh) {
      // Our own responder answers this like any other, for all to hear: an announcement.
      ask();
    }
  }

  private boolean add(Publication each) {
    ServiceInfo service =
        ServiceInfo.create(
            TYPE, each.instance(), each.bound().getPort(), 0, 0, each.text().encode());
    try {
      responder.registerService(service);
      published.put(each, service);
      spoke = true;
      return true;
    } catch (IOException | IllegalStateException failed) {
      LOG.warn("{}: a share cannot be announced", at, failed);
      responder.recover();
      return false;
    }
  }

  /** Says goodbye three times within two seconds, which is not waited for. */
  private void withdraw(Publication gone) {
    ServiceInfo service = published.remove(gone);
    if (service != null) {
      Thread.ofVirtual().name("mdns-withdraw").start(() -> responder.unregisterService(service));
    }
  }

  /** Takes everything back; returns when that was said, or after a second. */
  @Override
  public void close() {
    CountDownLatch said = responder.goodbye(spoke);
    Thread closing = Thread.ofVirtual().name("mdns-close").start(responder::close);
    try {
      if (!said.await(CLOSE_SECONDS_MAX, TimeUnit.SECONDS)) {
        LOG.debug("{}: no goodbye was said; {}", at, closing.getState());
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
