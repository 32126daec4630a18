package io.wormhole.daemon;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.control.HostedShare;
import io.wormhole.daemon.discovery.Discovery;
import io.wormhole.daemon.discovery.LocalNetwork;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.host.DescriptorBudget;
import io.wormhole.daemon.host.ShareStore;
import io.wormhole.daemon.mount.CachedShare;
import io.wormhole.daemon.mount.HostLink;
import io.wormhole.daemon.mount.MountSettings;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.daemon.mount.RemoteShare;
import io.wormhole.daemon.transport.NetworkEndpoint;
import io.wormhole.daemon.transport.TransportSettings;
import io.wormhole.daemon.trust.Gate;
import io.wormhole.daemon.trust.Identity;
import io.wormhole.daemon.trust.Introduction;
import io.wormhole.daemon.trust.JoinClient;
import io.wormhole.daemon.trust.LiveCodes;
import io.wormhole.daemon.trust.PeerCertificates;
import io.wormhole.daemon.trust.PinnedPeers;
import io.wormhole.daemon.trust.RawJoin;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.join.JoinCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.LoggerFactory;

/**
 * A host as the daemon makes it, an honest peer that goes on reading, and the means to be a
 * dishonest one.
 */
final class HostUnderAttack implements AutoCloseable {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int FILE_BYTES = 300_000;

  final Path folder;
  final Identity hostIdentity;
  final Identity evilIdentity;
  final JoinCode code;
  final InetSocketAddress address;
  final ListAppender<ILoggingEvent> log = new ListAppender<>();

  private final Path work;
  private final Threads threads = Threads.start();
  private final NetworkEndpoint host;
  private final NetworkEndpoint guest;
  private final ChunkCache cache;
  private final HostedShare hosted;
  private final RemoteShare honest;
  private final JoinClient client;
  private final AtomicReference<Gate> gate = new AtomicReference<>();
  private int files;

  HostUnderAttack(Path work) throws Exception {
    this.work = work;
    folder = Files.createDirectory(work.resolve("folder"));
    Files.writeString(work.resolve("outside"), "not shared");
    hostIdentity = Identity.loadOrCreate(work.resolve("host"), RANDOM);
    evilIdentity = Identity.loadOrCreate(work.resolve("evil"), RANDOM);
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    log.start();
    root.addAppender(log);
    Blake3 blake3 = Blake3.vector();
    LiveCodes codes =
        new LiveCodes(hostIdentity.fingerprint(), _ -> false, Clock.systemUTC(), RANDOM);
    PinnedPeers pins = PinnedPeers.open(work.resolve("host"), Clock.systemUTC());
    host = endpoint(hostIdentity);
    Hosting hosting =
        new Hosting(
            new ShareStore(work.resolve("host"), RANDOM, blake3),
            codes,
            DescriptorBudget.ofProcess(),
            threads.hostIo(),
            Clock.systemUTC(),
            host,
            work.resolve("host"),
            LocalNetwork.OFF,
            acceptor -> {
              Gate made =
                  new Gate(
                      hostIdentity.fingerprint(),
                      codes,
                      pins,
                      acceptor,
                      threads.trust(),
                      threads.timer(),
                      RANDOM);
              gate.set(made);
              return made;
            });
    hosted = hosting.host(HostRequest.of(folder.toString(), "n", "127.0.0.1:0"), _ -> {});
    code = JoinCode.parse(hosted.answer().code());
    String[] parts = hosted.answer().address().split(":", -1);
    address = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(parts[1]));
    Identity identity = Identity.loadOrCreate(work.resolve("guest"), RANDOM);
    guest = endpoint(identity);
    cache = new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, blake3, threads.verify());
    client =
        new JoinClient(
            guest,
            identity.fingerprint(),
            PinnedPeers.open(work.resolve("guest"), Clock.systemUTC()),
            threads.trust(),
            threads.timer(),
            RANDOM);
    Joining joining =
        new Joining(
            new Discovery(_ -> Optional.empty(), LocalNetwork.OFF),
            client,
            new Introduction("honest", false),
            System::nanoTime);
    Joining.Admitted admitted = joining.join(code, hosted.answer().address());
    honest =
        RemoteShare.open(
            admitted.root(),
            new HostLink(
                admitted.lanes(),
                urgent ->
                    joining.rejoin(admitted.joined().host(), admitted.joined().share(), urgent),
                threads.timer(),
                System::nanoTime),
            cache,
            blake3,
            CachedShare.of(admitted.joined().host(), admitted.joined().share()),
            MountSettings.DEFAULTS,
            new Owner(0, 0),
            System::nanoTime);
  }

  private static NetworkEndpoint endpoint(Identity identity) {
    return new NetworkEndpoint(
        identity.privateKey(),
        identity.certificate(),
        new PeerCertificates(),
        TransportSettings.DEFAULTS,
        true);
  }

  /** The honest peer joins once more, wherever it is sent. */
  void join(InetSocketAddress at) throws Exception {
    var _ =
        client
            .join(at, code, new Introduction("honest", false))
            .get(20, java.util.concurrent.TimeUnit.SECONDS);
  }

  Gate gate() {
    return Objects.requireNonNull(gate.get());
  }

  /** A peer that is in, and will not keep to anything. */
  RawJoin evil() throws Exception {
    return RawJoin.join(address, code, evilIdentity, hostIdentity.fingerprint());
  }

  /** The honest peer reads a file that nobody has read before, and finds every byte. */
  void requireServed() throws Exception {
    String name = "honest-" + files++;
    byte[] content = new byte[FILE_BYTES];
    new Random(files).nextBytes(content);
    Files.write(folder.resolve(name), content);
    KernelFileSystem system = honest.fileSystem();
    long node = system.lookup(KernelFileSystem.ROOT, name.getBytes(StandardCharsets.UTF_8)).node();
    long handle = system.open(node);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment read = arena.allocate(FILE_BYTES);
      assertThat(system.read(node, handle, 0, read)).isEqualTo(FILE_BYTES);
      assertThat(read.toArray(JAVA_BYTE)).isEqualTo(content);
    } finally {
      system.release(node, handle);
    }
  }

  /** What was said at warning or above since the beginning. */
  List<String> warnings() {
    return List.copyOf(log.list).stream()
        .filter(event -> event.getLevel().isGreaterOrEqual(Level.WARN))
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  @Override
  public void close() {
    honest.close();
    hosted.close();
    guest.close();
    host.close();
    cache.close();
    threads.stop();
    ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).detachAppender(log);
  }

  Path outside() {
    return work.resolve("outside");
  }
}
