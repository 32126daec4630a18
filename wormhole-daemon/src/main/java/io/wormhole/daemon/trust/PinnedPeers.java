package io.wormhole.daemon.trust;

import io.wormhole.protocol.name.DisplayName;
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
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

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
   * @param name what it calls itself, or what it was renamed here; fit for a terminal, trusted in
   *     nothing
   * @param renamed whether the name was given here, and stays whatever the peer calls itself
   * @param proved when it proved a code the last time
   */
  public record Grant(
      Fingerprint peer,
      ShareId share,
      boolean writable,
      String name,
      boolean renamed,
      Instant firstSeen,
      Instant proved,
      Instant lastSeen) {
    boolean isOf(Fingerprint key, ShareId id) {
      return peer.equals(key) && share.equals(id);
    }

    Grant seen(Instant now) {
      return new Grant(peer, share, writable, name, renamed, firstSeen, proved, now);
    }

    Grant called(String other) {
      return new Grant(peer, share, writable, other, true, firstSeen, proved, lastSeen);
    }
  }

  /**
   * A host that has proved a code of its share.
   *
   * @param host its key
   * @param shareName what the host calls it; fit for a terminal, trusted in nothing
   * @param name what it is called here, and no other share that is known
   * @param addresses where it was found, {@code HOST:PORT}, the last one first
   */
  public record KnownHost(
      Fingerprint host,
      ShareId share,
      String shareName,
      String name,
      List<String> addresses,
      Instant firstSeen,
      Instant lastSeen) {
    public KnownHost {
      addresses = List.copyOf(addresses);
    }

    boolean isOf(Fingerprint key, ShareId id) {
      return host.equals(key) && share.equals(id);
    }

    KnownHost called(String other) {
      return new KnownHost(host, share, shareName, other, addresses, firstSeen, lastSeen);
    }
  }

  /** Both lists, as they stand on the disk or as far as somebody asked. */
  public record Pins(List<Grant> grants, List<KnownHost> hosts) {
    public Pins {
      grants = List.copyOf(grants);
      hosts = List.copyOf(hosts);
    }

    public boolean isEmpty() {
      return grants.isEmpty() && hosts.isEmpty();
    }
  }

  private final PeersFile file;
  private final Clock clock;

  /** Written under the lock, which is held while the disk is written. */
  private volatile Pins pins;

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

  /**
   * A peer has proved a code; rights and name of an earlier grant give way, but for a name that was
   * given here.
   *
   * @param still whether the peer is in yet: asked when no grant can be taken away meanwhile, so
   *     that none is made behind {@link #forget}
   */
  public synchronized void recordGrant(
      Fingerprint peer, ShareId share, boolean writable, String name, BooleanSupplier still)
      throws IOException {
    if (!still.getAsBoolean()) {
      return;
    }
    Instant now = clock.instant();
    Instant first = grant(peer, share).map(Grant::firstSeen).orElse(now);
    Optional<String> given =
        pins.grants().stream()
            .filter(grant -> grant.renamed() && grant.peer().equals(peer))
            .map(Grant::name)
            .findFirst();
    Grant current =
        new Grant(peer, share, writable, given.orElse(name), given.isPresent(), first, now, now);
    keep(
        new Pins(
            with(pins.grants(), grant -> grant.isOf(peer, share), current, Grant::lastSeen),
            pins.hosts()));
  }

  /**
   * A peer has come back without a code. Its grant stays as it is, whatever this hosting gives; one
   * that was taken away meanwhile stays away.
   */
  public synchronized void recordReturn(Fingerprint peer, ShareId share) throws IOException {
    Instant now = clock.instant();
    Optional<Grant> before = grant(peer, share).filter(grant -> !isRecent(grant.lastSeen(), now));
    if (before.isPresent()) {
      keep(
          new Pins(
              with(
                  pins.grants(),
                  grant -> grant.isOf(peer, share),
                  before.get().seen(now),
                  Grant::lastSeen),
              pins.hosts()));
    }
  }

  /** A host has proved a code; it goes on being found at its earlier addresses too. */
  public synchronized void recordHost(
      Fingerprint host, ShareId share, String shareName, InetSocketAddress address)
      throws IOException {
    Predicate<KnownHost> same = known -> known.isOf(host, share);
    Instant now = clock.instant();
    List<String> addresses = new ArrayList<>(List.of(hostAndPort(address)));
    Instant first = now;
    String name = null;
    for (KnownHost known : pins.hosts()) {
      if (same.test(known)) {
        if (known.shareName().equals(shareName)
            && known.addresses().getFirst().equals(addresses.getFirst())
            && isRecent(known.lastSeen(), now)) {
          return;
        }
        name = known.name();
        first = known.firstSeen();
        known.addresses().stream().filter(old -> !addresses.contains(old)).forEach(addresses::add);
      }
    }
    KnownHost current =
        new KnownHost(
            host,
            share,
            shareName,
            name == null ? LocalName.unused(shareName, names(pins.hosts())) : name,
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

  /** Whether a key was granted anything. Never waits, not even for the disk. */
  boolean isKnown(Fingerprint peer) {
    return pins.grants().stream().anyMatch(grant -> grant.peer().equals(peer));
  }

  /** Who was let in, the first known first. A snapshot. */
  public synchronized List<Grant> grants() {
    return pins.grants();
  }

  /** Which hosts are known, the first known first. A snapshot. */
  public synchronized List<KnownHost> hosts() {
    return pins.hosts();
  }

  /** The share that is called so here. */
  public synchronized Optional<KnownHost> hostNamed(String name) {
    return pins.hosts().stream().filter(known -> known.name().equals(name)).findFirst();
  }

  /** The share of a host, if it is known. */
  public synchronized Optional<KnownHost> host(Fingerprint host, ShareId share) {
    return pins.hosts().stream().filter(known -> known.isOf(host, share)).findFirst();
  }

  /** The host that a share is known to have, if it has another key than this one. */
  public synchronized Optional<KnownHost> otherHost(Fingerprint host, ShareId share) {
    return pins.hosts().stream()
        .filter(known -> known.share().equals(share) && !known.host().equals(host))
        .findFirst();
  }

  /** Takes away what matches, and tells what that was. */
  public synchronized Pins forget(Predicate<Grant> grants, Predicate<KnownHost> hosts)
      throws IOException {
    Pins gone =
        new Pins(
            pins.grants().stream().filter(grants).toList(),
            pins.hosts().stream().filter(hosts).toList());
    if (!gone.isEmpty()) {
      keep(
          new Pins(
              pins.grants().stream().filter(grants.negate()).toList(),
              pins.hosts().stream().filter(hosts.negate()).toList()));
    }
    return gone;
  }

  /** Calls a peer so, in each of its grants. */
  public synchronized void renamePeer(Fingerprint peer, DisplayName name) throws IOException {
    List<Grant> renamed =
        pins.grants().stream()
            .map(grant -> grant.peer().equals(peer) ? grant.called(name.text()) : grant)
            .toList();
    keep(new Pins(renamed, pins.hosts()));
  }

  /**
   * Calls a share of a host so, here.
   *
   * @throws IllegalArgumentException if the name is another share's, or looks like a code
   */
  public synchronized void renameHost(Fingerprint host, ShareId share, DisplayName name)
      throws IOException {
    List<KnownHost> others =
        pins.hosts().stream().filter(known -> !known.isOf(host, share)).toList();
    if (!LocalName.unused(name.text(), names(others)).equals(name.text())) {
      throw new IllegalArgumentException(
          "\"%s\" is another share's name, or looks like a code".formatted(name));
    }
    List<KnownHost> renamed =
        pins.hosts().stream()
            .map(known -> known.isOf(host, share) ? known.called(name.text()) : known)
            .toList();
    keep(new Pins(pins.grants(), renamed));
  }

  private static Set<String> names(List<KnownHost> hosts) {
    return hosts.stream().map(KnownHost::name).collect(Collectors.toSet());
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
