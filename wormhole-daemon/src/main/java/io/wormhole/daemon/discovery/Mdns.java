package io.wormhole.daemon.discovery;

import io.wormhole.protocol.wire.Fingerprint;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Multicast DNS (RFC 6762, RFC 6763) on all networks of this machine, as {@code docs/PROTOCOL.md}
 * says. Nothing is open while nothing is published and nobody searches.
 *
 * <p>What is kept of what others say is what a search under way looks for: an answer is good for
 * the question it came after, and the next question brings another.
 */
public final class Mdns implements LocalNetwork {
  private static final Logger LOG = LoggerFactory.getLogger(Mdns.class);
  private static final Duration CLASH_LIMIT = Duration.ofMillis(400);
  private static final long LOOK_AROUND_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** How long networks stay open that nobody uses: the next search finds them open. */
  private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(30);

  private static final int NAME_BYTES = 16;
  private static final int SEARCHES_MAX = 64;

  private final Fingerprint self;
  private final SecureRandom random;
  private final Set<Search> searches = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean reconciling = new AtomicBoolean();

  /** Opens and closes; its thread ends when there is nothing to do. */
  private final ExecutorService worker;

  private volatile List<Publication> wanted = List.of();
  private volatile long lastUse = System.nanoTime();
  private volatile long lastLook = lastUse;
  private volatile boolean open;
  private volatile boolean ended;

  /** By the worker only. */
  private final Map<LinkAddress, Link> links = new HashMap<>();

  /**
   * Opens nothing yet.
   *
   * @param self this host's key, which only those who know it recognise in what is published
   */
  public Mdns(Fingerprint self, SecureRandom random) {
    this.self = self;
    this.random = random;
    ThreadPoolExecutor one =
        new ThreadPoolExecutor(
            1,
            1,
            2,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(4 * SEARCHES_MAX),
            Thread.ofPlatform().daemon().name("mdns").factory(),
            // What is asked for again each second may be left out once.
            new ThreadPoolExecutor.DiscardPolicy());
    one.allowCoreThreadTimeOut(true);
    this.worker = one;
  }

  @Override
  public synchronized void publish(Map<InetSocketAddress, List<Integer>> served) {
    Map<InetSocketAddress, Publication> before = new HashMap<>();
    wanted.forEach(each -> before.put(each.bound(), each));
    List<Publication> now = new ArrayList<>();
    served.forEach((bound, nameplates) -> {
      if (!bound.getAddress().isLoopbackAddress()) {
        now.add(publication(before.get(bound), bound, nameplates));
      }
    });
    if (!Set.copyOf(now).equals(Set.copyOf(wanted))) {
      wanted = List.copyOf(now);
      use();
    }
  }

  /** The one of before, if it says the same; else one under a new name, with a new salt. */
  private Publication publication(
      @Nullable Publication before, InetSocketAddress bound, List<Integer> nameplates) {
    List<Integer> said =
        nameplates.stream().distinct().limit(Advertisement.NAMEPLATES_MAX).toList();
    if (before != null && before.text().nameplates().equals(Set.copyOf(said))) {
      return before;
    }
    return new Publication(
        randomName(), bound, Advertisement.of(said, Advertisement.newSalt(random), self));
  }

  private String randomName() {
    byte[] name = new byte[NAME_BYTES];
    random.nextBytes(name);
    return HexFormat.of().formatHex(name);
  }

  @Override
  public Candidates claiming(int nameplate, Duration limit) {
    return search(said -> said.claims(nameplate), limit);
  }

  @Override
  public Candidates of(Fingerprint host, Duration limit) {
    return search(said -> said.isOf(host), limit);
  }

  @Override
  public boolean isTaken(int nameplate) {
    try (Candidates others = claiming(nameplate, CLASH_LIMIT)) {
      return others.next().isPresent();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private Candidates search(Predicate<Advertisement> looked, Duration limit) {
    if (searches.size() >= SEARCHES_MAX) {
      return Candidates.of(List.of());
    }
    Search search = new Search(looked, limit, this::ask, searches::remove);
    searches.add(search);
    return search;
  }

  private void ask() {
    use();
    worker.execute(() -> links.values().forEach(Link::ask));
  }

  /** Somebody wants something: the networks are opened, as many as there are now. */
  private void use() {
    lastUse = System.nanoTime();
    open = true;
    reconcileSoon();
  }

  private void reconcileSoon() {
    if (reconciling.compareAndSet(false, true)) {
      worker.execute(this::reconcile);
    }
  }

  @Override
  public void tick() {
    if (open && System.nanoTime() - lastLook >= LOOK_AROUND_NANOS) {
      reconcileSoon();
    }
  }

  private void reconcile() {
    reconciling.set(false);
    lastLook = System.nanoTime();
    boolean needed =
        !ended
            && (!wanted.isEmpty()
                || !searches.isEmpty()
                || System.nanoTime() - lastUse < LINGER_NANOS);
    List<LinkAddress> addresses = needed ? addresses() : List.of();
    Iterator<Map.Entry<LinkAddress, Link>> known = links.entrySet().iterator();
    while (known.hasNext()) {
      Map.Entry<LinkAddress, Link> each = known.next();
      if (!addresses.contains(each.getKey()) || each.getValue().hasFailed()) {
        known.remove();
        Thread.ofVirtual().name("mdns-close").start(each.getValue()::close);
      }
    }
    for (LinkAddress address : addresses) {
      Link link = links.computeIfAbsent(address, this::link);
      if (link != null) {
        link.publish(wanted);
      }
    }
    open = needed;
  }

  private List<LinkAddress> addresses() {
    try {
      return LinkAddress.all();
    } catch (IOException unknown) {
      LOG.warn("the networks of this machine are not known: {}", unknown.getMessage());
      return List.of();
    }
  }

  private @Nullable Link link(LinkAddress address) {
    try {
      return new Link(address, randomName(), this::heard);
    } catch (IOException | RuntimeException failed) {
      LOG.warn("{}: no multicast DNS there: {}", address.network(), failed.toString());
      return null;
    }
  }

  /** On a thread of the link. */
  private void heard(MulticastMessage.Host host, InetAddress from) {
    for (Publication own : wanted) {
      if (host.instance().startsWith(own.instance() + ".")) {
        return;
      }
    }
    // The address it came from, not one it names: nobody can send a guest to somebody else.
    InetSocketAddress at = new InetSocketAddress(from, host.port());
    searches.forEach(search -> search.heard(host.advertisement(), at));
  }

  @Override
  public void close() {
    ended = true;
    wanted = List.of();
    worker.execute(() -> {
      List<Thread> closing =
          links.values().stream()
              .map(link -> Thread.ofVirtual().name("mdns-close").start(link::close))
              .toList();
      links.clear();
      for (Thread each : closing) {
        try {
          each.join();
        } catch (InterruptedException stopped) {
          Thread.currentThread().interrupt();
        }
      }
    });
    worker.shutdown();
    try {
      if (!worker.awaitTermination(2, TimeUnit.SECONDS)) {
        worker.shutdownNow();
      }
    } catch (InterruptedException stopped) {
      worker.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
