package io.wormhole.daemon;

import io.wormhole.daemon.host.ShareStore;
import io.wormhole.daemon.trust.Gate;
import io.wormhole.daemon.trust.PeerSession;
import io.wormhole.daemon.trust.PinnedPeers;
import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.daemon.trust.PinnedPeers.Pins;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.PeersAnswer;
import io.wormhole.protocol.control.PeersAnswer.Guest;
import io.wormhole.protocol.control.PeersAnswer.KnownShare;
import io.wormhole.protocol.name.DisplayName;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Who is known: peers that may come to our shares, and shares of others that were mounted here. A
 * person names either by what it is called, or by the beginning of its fingerprint. Any thread.
 */
final class Peering {
  /** A shorter beginning of a fingerprint is a slip. */
  private static final int PREFIX_DIGITS_MIN = 4;

  private static final int SHOWN_DIGITS = 12;
  private static final String LIST = "wormhole peers list shows them";

  private final PinnedPeers pins;
  private final Gate gate;
  private final ShareStore shares;
  private final Predicate<KnownHost> mounted;

  /**
   * @param mounted whether a share of another's is mounted now
   */
  Peering(PinnedPeers pins, Gate gate, ShareStore shares, Predicate<KnownHost> mounted) {
    this.pins = pins;
    this.gate = gate;
    this.shares = shares;
    this.mounted = mounted;
  }

  /**
   * What an argument means.
   *
   * @param guest whether the key's grants and sessions are meant
   * @param known the shares of its that are meant
   */
  private record Match(Fingerprint key, String name, boolean guest, List<KnownHost> known) {
    String line() {
      return "\"%s\" %s".formatted(name, key.toString().substring(0, SHOWN_DIGITS));
    }
  }

  PeersAnswer all() throws ControlException {
    return answer(_ -> true, pins.grants(), pins.hosts());
  }

  PeersAnswer forget(String who) throws ControlException {
    Match match = one(who, matches(who));
    try {
      Pins gone =
          pins.forget(
              grant -> match.guest() && grant.peer().equals(match.key()),
              known -> isAmong(known, match.known()));
      return answer(_ -> false, gone.grants(), gone.hosts());
    } catch (IOException unwritable) {
      throw unwritable(unwritable);
    }
  }

  PeersAnswer revoke(String who) throws ControlException {
    List<Match> guests =
        matches(who).stream()
            .filter(Match::guest)
            .map(match -> new Match(match.key(), match.name(), true, List.of()))
            .toList();
    Match match = one(who, guests);
    PeersAnswer before =
        answer(session -> session.peer().equals(match.key()), List.of(), List.of());
    try {
      PeersAnswer granted = answer(_ -> false, gate.revoke(match.key()), List.of());
      return granted.peers().isEmpty() ? before : granted;
    } catch (IOException unwritable) {
      throw unwritable(unwritable);
    }
  }

  PeersAnswer rename(String who, String name) throws ControlException {
    DisplayName fit;
    try {
      fit = new DisplayName(name);
    } catch (IllegalArgumentException unfit) {
      throw new ControlException(
          ErrorKind.USAGE,
          "nobody can be called that",
          "a name has no slash or control character, and neither dash nor dot in front");
    }
    Match match = one(who, matches(who));
    int subjects = match.known().size() + (match.guest() ? 1 : 0);
    if (subjects != 1) {
      String names =
          Stream.concat(
                  match.guest() ? Stream.of(match.name()) : Stream.empty(),
                  match.known().stream().map(KnownHost::name))
              .collect(Collectors.joining("\", \"", "\"", "\""));
      throw new ControlException(
          ErrorKind.AMBIGUOUS, who + " is the key of " + names, "give one of these names");
    }
    try {
      if (match.guest()) {
        pins.renamePeer(match.key(), fit);
        return answer(
            _ -> false,
            pins.grants().stream().filter(grant -> grant.peer().equals(match.key())).toList(),
            List.of());
      }
      KnownHost known = match.known().getFirst();
      pins.renameHost(known.host(), known.share(), fit);
      return answer(
          _ -> false, List.of(), pins.host(known.host(), known.share()).stream().toList());
    } catch (IllegalArgumentException taken) {
      throw new ControlException(ErrorKind.USAGE, Hosting.message(taken), "choose another name");
    } catch (IOException unwritable) {
      throw unwritable(unwritable);
    }
  }

  private List<Match> matches(String who) {
    List<Match> called = new ArrayList<>();
    Map<Fingerprint, String> guests = guests();
    guests.forEach((key, name) -> {
      if (name.equals(who)) {
        called.add(new Match(key, name, true, List.of()));
      }
    });
    for (KnownHost known : pins.hosts()) {
      if (known.name().equals(who)) {
        called.add(new Match(known.host(), known.name(), false, List.of(known)));
      }
    }
    return called.isEmpty() ? byKey(who, guests) : called;
  }

  private List<Match> byKey(String who, Map<Fingerprint, String> guests) {
    String prefix = who.toLowerCase(Locale.ROOT);
    if (prefix.length() < PREFIX_DIGITS_MIN) {
      return List.of();
    }
    Map<Fingerprint, String> keys = new LinkedHashMap<>(guests);
    pins.hosts().forEach(known -> keys.putIfAbsent(known.host(), known.name()));
    return keys.entrySet().stream()
        .filter(each -> each.getKey().toString().startsWith(prefix))
        .map(each ->
            new Match(
                each.getKey(),
                each.getValue(),
                guests.containsKey(each.getKey()),
                pins.hosts().stream().filter(known -> known.host().equals(each.getKey())).toList()))
        .toList();
  }

  /** By their keys, what they are called; those who are in without a grant too. */
  private Map<Fingerprint, String> guests() {
    Map<Fingerprint, String> guests = new LinkedHashMap<>();
    pins.grants().forEach(grant -> guests.put(grant.peer(), grant.name()));
    gate.sessions().forEach(session -> guests.putIfAbsent(session.peer(), session.displayName()));
    return guests;
  }

  private static Match one(String who, List<Match> matches) throws ControlException {
    if (matches.isEmpty()) {
      throw new ControlException(
          ErrorKind.UNKNOWN_PEER, "nobody is known here by \"" + who + "\"", LIST);
    }
    if (matches.size() > 1) {
      throw new ControlException(
          ErrorKind.AMBIGUOUS,
          "\"%s\" may be %s"
              .formatted(
                  who, matches.stream().map(Match::line).collect(Collectors.joining(" or "))),
          "give more of its fingerprint");
    }
    return matches.getFirst();
  }

  /**
   * @param ungranted which of those who are in without a grant are told of too
   */
  private PeersAnswer answer(
      Predicate<PeerSession> ungranted, List<Grant> grants, List<KnownHost> hosts)
      throws ControlException {
    Map<ShareId, String> names;
    try {
      names = shares.names();
    } catch (IOException unreadable) {
      throw new ControlException(
          ErrorKind.FAILED,
          "what is shared cannot be read: " + Hosting.message(unreadable),
          "mend the state folder",
          unreadable);
    }
    List<PeerSession> sessions = gate.sessions();
    List<Guest> guests = new ArrayList<>();
    for (Grant grant : grants) {
      guests.add(
          new Guest(
              grant.name(),
              grant.peer().toString(),
              names.get(grant.share()),
              grant.share().toString(),
              grant.writable(),
              grant.firstSeen().toString(),
              grant.lastSeen().toString(),
              sessions.stream().anyMatch(session -> isOf(session, grant))));
    }
    for (PeerSession session : sessions) {
      if (ungranted.test(session) && grants.stream().noneMatch(grant -> isOf(session, grant))) {
        guests.add(
            new Guest(
                session.displayName(),
                session.peer().toString(),
                names.get(session.share()),
                session.share().toString(),
                session.writable(),
                null,
                null,
                true));
      }
    }
    return new PeersAnswer(guests, hosts.stream().map(this::known).toList());
  }

  private KnownShare known(KnownHost known) {
    return new KnownShare(
        known.name(),
        known.host().toString(),
        known.shareName(),
        known.share().toString(),
        known.addresses(),
        known.firstSeen().toString(),
        known.lastSeen().toString(),
        mounted.test(known));
  }

  private static boolean isOf(PeerSession session, Grant grant) {
    return session.peer().equals(grant.peer()) && session.share().equals(grant.share());
  }

  private static boolean isAmong(KnownHost known, List<KnownHost> meant) {
    return meant.stream()
        .anyMatch(each -> each.host().equals(known.host()) && each.share().equals(known.share()));
  }

  private static ControlException unwritable(IOException failure) {
    return new ControlException(
        ErrorKind.FAILED,
        "what is known of peers cannot be written: " + Hosting.message(failure),
        "make room, or mend the rights of the state folder",
        failure);
  }
}
