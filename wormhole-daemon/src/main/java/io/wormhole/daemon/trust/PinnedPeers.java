package io.wormhole.daemon.trust;

import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * What good handshakes have left behind, kept in {@code peers.json}: at a host, who was let into
 * which share; at a mount, whose key which share has.
 *
 * <p>Bounded: the entry that was seen longest ago makes room. Each change is on the disk, whole,
 * when the call returns, and was not made if the call fails. Any thread but an event loop.
 */
public final class PinnedPeers {
  /** Grants kept, and hosts kept. */
  public static final int MAX_ENTRIES = 1024;

  private static final int MAX_ADDRESSES = 4;

  /** What was seen again within this time and has not changed is not written again. */
  private static final Duration SEEN_AGAIN = Duration.ofHours(1);

  /**
   * A peer that has proved a code of a share.
   *
   * @param peer its key
   * @param writable what it was granted the last time
   * @param name what it calls itself; fit for a terminal, trusted in nothing
   */
  public record Grant(
      Fingerprint peer,
      ShareId share,
      boolean writable,
      String name,
      Instant firstSeen,
      Instant lastSeen) {}

  /**
   * A host that has proved a code of its share.
   *
   * @param host its key
   * @param shareName fit for a terminal, trusted in nothing
   * @param addresses where it was found, {@code HOST:PORT}, the last one first
   */
  public record KnownHost(
      Fingerprint host,
      ShareId share,
      String shareName,
      List<String> addresses,
      Instant firstSeen,
      Instant lastSeen) {
    public KnownHost {
      addresses = List.copyOf(addresses);
    }
  }

  /** Both lists as they stand on the disk. */
  record Pins(List<Grant> grants, List<KnownHost> hosts) {
    Pins {
      grants = List.copyOf(grants);
      hosts = List.copyOf(hosts);
    }
  }

  private final PeersFile file;
  private final Clock clock;
  private Pins pins;

  private PinnedPeers(PeersFile file, Clock clock) throws IOException {
    this.file = file;
    this.clock = clock;
    this.pins = file.read();
  }

  /**
   * The pins kept in a folder; none where there is no file yet.
   *
   * @throws StateFileException if the file is damaged, or others may read or write it
   */
  public static PinnedPeers open(Path stateFolder, Clock clock) throws IOException {
    return new PinnedPeers(new PeersFile(stateFolder), clock);
  }

  /** A peer has proved a code; rights and name of an earlier grant give way. */
  public synchronized void recordGrant(
      Fingerprint peer, ShareId share, boolean writable, String name) throws IOException {
    Predicate<Grant> same = grant -> grant.peer().equals(peer) && grant.share().equals(share);
    Instant now = clock.instant();
    Optional<Grant> before = pins.grants().stream().filter(same).findFirst();
    if (before
        .filter(grant ->
            grant.writable() == writable
                && grant.name().equals(name)
                && isRecent(grant.lastSeen(), now))
        .isPresent()) {
      return;
    }
    Instant first = before.map(Grant::firstSeen).orElse(now);
    keep(
        new Pins(
            with(
                pins.grants(),
                same,
                new Grant(peer, share, writable, name, first, now),
                Grant::lastSeen),
            pins.hosts()));
  }

  /** A host has proved a code; it goes on being found at its earlier addresses too. */
  public synchronized void recordHost(
      Fingerprint host, ShareId share, String shareName, InetSocketAddress address)
      throws IOException {
    Predicate<KnownHost> same = known -> known.host().equals(host) && known.share().equals(share);
    Instant now = clock.instant();
    List<String> addresses = new ArrayList<>(List.of(hostAndPort(address)));
    Instant first = now;
    for (KnownHost known : pins.hosts()) {
      if (same.test(known)) {
        if (known.shareName().equals(shareName)
            && known.addresses().getFirst().equals(addresses.getFirst())
            && isRecent(known.lastSeen(), now)) {
          return;
        }
        first = known.firstSeen();
        known.addresses().stream().filter(old -> !addresses.contains(old)).forEach(addresses::add);
      }
    }
    KnownHost current =
        new KnownHost(
            host,
            share,
            shareName,
            addresses.subList(0, Math.min(MAX_ADDRESSES, addresses.size())),
            first,
            now);
    keep(new Pins(pins.grants(), with(pins.hosts(), same, current, KnownHost::lastSeen)));
  }

  private static boolean isRecent(Instant seen, Instant now) {
    Duration ago = Duration.between(seen, now);
    return !ago.isNegative() && ago.compareTo(SEEN_AGAIN) < 0;
  }

  /** What a key was granted at a share. */
  public synchronized Optional<Grant> grant(Fingerprint peer, ShareId share) {
    return pins.grants().stream()
        .filter(grant -> grant.peer().equals(peer) && grant.share().equals(share))
        .findFirst();
  }

  /** Where the host of a share was found before, the last place first. */
  synchronized List<InetSocketAddress> addresses(Fingerprint host, ShareId share) {
    return pins.hosts().stream()
        .filter(known -> known.host().equals(host) && known.share().equals(share))
        .flatMap(known -> known.addresses().stream())
        .flatMap(text -> literal(text).stream())
        .toList();
  }

  /** A literal address; no name is looked up. */
  private static Optional<InetSocketAddress> literal(String hostAndPort) {
    int colon = hostAndPort.lastIndexOf(':');
    if (colon < 0) {
      return Optional.empty();
    }
    String host = hostAndPort.substring(0, colon);
    try {
      return Optional.of(
          new InetSocketAddress(
              InetAddress.ofLiteral(
                  host.startsWith("[") ? host.substring(1, host.length() - 1) : host),
              Integer.parseInt(hostAndPort.substring(colon + 1))));
    } catch (IllegalArgumentException noLiteral) {
      return Optional.empty();
    }
  }

  /** Who was let in, the first known first. A snapshot. */
  public synchronized List<Grant> grants() {
    return pins.grants();
  }

  /** Which hosts are known, the first known first. A snapshot. */
  public synchronized List<KnownHost> hosts() {
    return pins.hosts();
  }

  private void keep(Pins changed) throws IOException {
    file.write(changed);
    pins = changed;
  }

  private static <T> List<T> with(
      List<T> entries, Predicate<T> same, T entry, Function<T, Instant> lastSeen) {
    List<T> changed = new ArrayList<>(entries);
    changed.removeIf(same);
    while (changed.size() >= MAX_ENTRIES) {
      changed.remove(changed.stream().min(Comparator.comparing(lastSeen)).orElseThrow());
    }
    changed.add(entry);
    return changed;
  }

  private static String hostAndPort(InetSocketAddress address) {
    String host =
        address.isUnresolved() ? address.getHostString() : address.getAddress().getHostAddress();
    return host.contains(":")
        ? "[%s]:%d".formatted(host, address.getPort())
        : host + ":" + address.getPort();
  }
}
