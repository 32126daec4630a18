package io.wormhole.bench;

import io.wormhole.daemon.transport.QuicEndpoint;
import io.wormhole.daemon.transport.TransportSettings;
import io.wormhole.daemon.trust.Identity;
import io.wormhole.daemon.trust.Introduction;
import io.wormhole.daemon.trust.JoinClient;
import io.wormhole.daemon.trust.JoinException;
import io.wormhole.daemon.trust.PinnedPeers;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.JoinCodeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What strangers cost a host that serves a reader: run it beside one, and watch the reader's
 * throughput and the host's memory.
 *
 * <pre>
 * AttackOnHost guesses   HOST:PORT CODE COUNT              joins with wrong secrets
 * AttackOnHost half-open HOST:PORT COUNT SOURCE[,SOURCE…]  handshakes that are begun and never ended
 * </pre>
 *
 * Sources are addresses of this machine. Prints what the host answered, and how often.
 */
final class AttackOnHost {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int PARALLEL = 100;

  /** A host takes four strangers of one source at once. */
  private static final int GUESSES_AT_ONCE = 3;

  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private AttackOnHost() {}

  public static void main(String[] arguments) throws Exception {
    String[] host = arguments[1].split(":", -1);
    InetSocketAddress address = new InetSocketAddress(host[0], Integer.parseInt(host[1]));
    long began = System.nanoTime();
    Map<String, Integer> answers =
        switch (arguments[0]) {
          case "guesses" ->
              guesses(address, JoinCode.parse(arguments[2]), Integer.parseInt(arguments[3]));
          case "half-open" ->
              halfOpen(address, Integer.parseInt(arguments[2]), arguments[3].split(",", -1));
          default -> throw new IllegalArgumentException("guesses or half-open");
        };
    System.out.printf("%s in %.1f s: %s%n", arguments[0], seconds(began), answers);
    System.exit(0);
  }

  private static Map<String, Integer> guesses(InetSocketAddress host, JoinCode code, int count)
      throws Exception {
    Map<String, Integer> answers = new TreeMap<>();
    Path state = Files.createTempDirectory("attack");
    try (ExecutorService executor = Executors.newFixedThreadPool(2);
        ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
        QuicEndpoint endpoint = endpoint(Identity.loadOrCreate(state, RANDOM))) {
      JoinClient client =
          new JoinClient(
              endpoint,
              Identity.loadOrCreate(state, RANDOM).fingerprint(),
              PinnedPeers.open(state, Clock.systemUTC()),
              executor,
              timer,
              RANDOM);
      Semaphore running = new Semaphore(GUESSES_AT_ONCE);
      for (int i = 0; i < count; i++) {
        running.acquire();
        var _ =
            client
                .join(host, withAnotherSecret(code), new Introduction("x", false))
                .whenComplete((_, failure) -> {
                  synchronized (answers) {
                    answers.merge(answer(failure), 1, Integer::sum);
                  }
                  running.release();
                });
      }
      running.acquire(GUESSES_AT_ONCE);
    }
    return answers;
  }

  private static String answer(@Nullable Throwable failure) {
    if (failure == null) {
      return "let in";
    }
    return failure instanceof JoinException why ? why.reason().toString() : failure.toString();
  }

  private static JoinCode withAnotherSecret(JoinCode code) throws JoinCodeException {
    String data =
        code.format().substring(0, 5) + JoinCode.generate(RANDOM).format().substring(5, 13);
    for (char check : "0123456789ABCDEFGHJKMNPQRSTVWXYZ".toCharArray()) {
      try {
        return JoinCode.parse(data + check);
      } catch (JoinCodeException mistyped) {
        // Another check symbol fits.
      }
    }
    throw new IllegalStateException("no check symbol fits");
  }

  private static Map<String, Integer> halfOpen(InetSocketAddress host, int count, String[] sources)
      throws Exception {
    Map<String, Integer> answers = new TreeMap<>();
    Semaphore running = new Semaphore(PARALLEL);
    try (Muffler network = new Muffler(host, sources);
        QuicEndpoint endpoint =
            endpoint(Identity.loadOrCreate(Files.createTempDirectory("attack"), RANDOM))) {
      for (int i = 0; i < count; i++) {
        running.acquire();
        CompletableFuture<?> dial = endpoint.dial(network.address(), PATIENCE);
        var _ =
            dial.whenComplete((_, failure) -> {
              synchronized (answers) {
                answers.merge(failure == null ? "answered" : "unanswered", 1, Integer::sum);
              }
              running.release();
            });
      }
      running.acquire(PARALLEL);
      answers.put("datagrams of the host", network.answers.get());
    }
    return answers;
  }

  private static QuicEndpoint endpoint(Identity identity) {
    return new QuicEndpoint(
        identity.privateKey(),
        identity.certificate(),
        new BenchPeer.Anyone(),
        TransportSettings.DEFAULTS);
  }

  private static double seconds(long beganNanos) {
    return (System.nanoTime() - beganNanos) / 1e9;
  }

  /** Passes on what begins a handshake, and nothing more once the host has begun its own part. */
  private static final class Muffler implements AutoCloseable {
    /** Long header, fixed bit, and type (RFC 9000, sections 17.2.2 and 17.2.5). */
    private static final int TYPE = 0xf0;

    private static final int INITIAL = 0xc0;
    private static final int RETRY = 0xf0;

    private static final int MOST_BYTES = 2048;

    /** Those of dials that go on are among the last. */
    private static final int MOST_WAYS = 500;

    private final DatagramChannel inside = DatagramChannel.open();
    private final Selector selector = Selector.open();
    private final LinkedHashMap<SocketAddress, DatagramChannel> outside = new LinkedHashMap<>();
    private final Set<DatagramChannel> begun = new HashSet<>();
    private final InetSocketAddress host;
    private final List<String> sources;
    private final AtomicInteger answers = new AtomicInteger();
    private int ways;

    Muffler(InetSocketAddress host, String... sources) throws IOException {
      this.host = host;
      this.sources = List.of(sources);
      inside.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      inside.configureBlocking(false);
      inside.register(selector, SelectionKey.OP_READ);
      Thread.ofPlatform().daemon().name("muffler").start(this::run);
    }

    InetSocketAddress address() throws IOException {
      return (InetSocketAddress) inside.getLocalAddress();
    }

    private void run() {
      ByteBuffer datagram = ByteBuffer.allocate(MOST_BYTES);
      try {
        while (selector.isOpen()) {
          selector.select();
          for (SelectionKey key : selector.selectedKeys()) {
            DatagramChannel channel = (DatagramChannel) key.channel();
            SocketAddress from = channel.receive(datagram.clear());
            if (from == null) {
              continue;
            }
            datagram.flip();
            if (!channel.equals(inside)) {
              answers.incrementAndGet();
              if ((datagram.get(0) & TYPE) != RETRY) {
                begun.add(channel);
              }
              inside.send(datagram, (SocketAddress) key.attachment());
            } else if ((datagram.get(0) & TYPE) == INITIAL) {
              DatagramChannel way = towards(from);
              if (!begun.contains(way)) {
                way.send(datagram, host);
              }
            }
          }
          selector.selectedKeys().clear();
        }
      } catch (ClosedSelectorException ended) {
        // The attack is over.
      } catch (IOException failed) {
        System.err.println(failed);
      }
    }

    /** The way of one dial, from an address of its own. */
    private DatagramChannel towards(SocketAddress client) throws IOException {
      DatagramChannel known = outside.get(client);
      if (known != null) {
        return known;
      }
      DatagramChannel fresh = DatagramChannel.open();
      fresh.bind(new InetSocketAddress(sources.get(ways++ % sources.size()), 0));
      fresh.configureBlocking(false);
      fresh.register(selector, SelectionKey.OP_READ, client);
      outside.put(client, fresh);
      if (outside.size() > MOST_WAYS) {
        DatagramChannel last = outside.pollFirstEntry().getValue();
        begun.remove(last);
        last.close();
      }
      return fresh;
    }

    @Override
    public void close() throws IOException {
      selector.close();
      inside.close();
      for (DatagramChannel channel : outside.values()) {
        channel.close();
      }
    }
  }
}
