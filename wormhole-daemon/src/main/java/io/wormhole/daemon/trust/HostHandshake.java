package io.wormhole.daemon.trust;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.daemon.transport.SourcePrefix;
import io.wormhole.daemon.trust.LiveCodes.Attempt;
import io.wormhole.protocol.join.Confirmation;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.Spake2;
import io.wormhole.protocol.join.Spake2Exception;
import io.wormhole.protocol.name.DisplayName;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.message.ClientConfirm;
import io.wormhole.protocol.wire.message.ClientHello;
import io.wormhole.protocol.wire.message.HostConfirm;
import io.wormhole.protocol.wire.message.HostHello;
import io.wormhole.protocol.wire.message.RefusalReason;
import io.wormhole.protocol.wire.message.SecretKind;
import io.wormhole.protocol.wire.message.SessionLimits;
import java.security.SecureRandom;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The host's half of joining, without a socket, a clock or a thread: bytes in, messages out.
 *
 * <pre>
 * AWAIT_HELLO   -- consumeHello -->   HELLO_READY   -- createHello -->
 * AWAIT_CONFIRM -- consumeConfirm --> CONFIRM_READY -- createConfirm --> DONE
 * </pre>
 *
 * <p>A peer that comes back without a code goes from HELLO_READY to CONFIRM_READY.
 *
 * <p>A step that fails ends the handshake for good: what was sent is refused, the secrets are
 * wiped, nothing else has changed. Calls out of order are a fault of ours. Not thread-safe; one for
 * a lane; closed by whoever made it.
 */
final class HostHandshake implements AutoCloseable {
  /** This version has no features. */
  private static final long FEATURES = 0;

  /** Of its key, for a peer that says no name. */
  private static final int SHOWN_KEY_DIGITS = 8;

  private enum State {
    AWAIT_HELLO,
    HELLO_READY,
    AWAIT_CONFIRM,
    CONFIRM_READY,
    DONE,
    FAILED
  }

  /**
   * A peer that knows the code.
   *
   * @param displayName what it calls itself, as {@link DisplayName} makes it fit
   * @param writable what it is granted
   */
  record Proven(Offer offer, String displayName, boolean writable) {}

  private final Versions versions;
  private final LiveCodes codes;
  private final ReturningPeers returning;
  private final Fingerprint client;
  private final SourcePrefix source;
  private final Fingerprint host;
  private final SecureRandom random;
  private final Hellos hellos = new Hellos();

  private State state = State.AWAIT_HELLO;
  private @Nullable Attempt attempt;
  private @Nullable HostHello hello;
  private @Nullable Confirmation confirmation;
  private @Nullable Proven proven;

  /**
   * @param client whose certificate the other end of the lane showed
   * @param source where it comes from, for the count of guesses
   * @param host this side's own
   */
  HostHandshake(
      Versions versions,
      LiveCodes codes,
      ReturningPeers returning,
      Fingerprint client,
      SourcePrefix source,
      Fingerprint host,
      SecureRandom random) {
    this.versions = versions;
    this.codes = codes;
    this.returning = returning;
    this.client = client;
    this.source = source;
    this.host = host;
    this.random = random;
  }

  /**
   * Takes the client's hello. From here on the peer has used up one guess at the code, which comes
   * back when its proof is right. About two milliseconds of one core.
   */
  void consumeHello(byte[] payload) throws RefusedException {
    require(State.AWAIT_HELLO);
    state = State.FAILED;
    ClientHello theirs = parseHello(payload);
    int version = negotiate(theirs);
    if (theirs.getSecretKind() == SecretKind.SECRET_KIND_PINNED) {
      proven = returning.admit(client, theirs.getShareId());
      hello = HostHello.newBuilder().setVersion(version).setFeatures(FEATURES).build();
      state = State.HELLO_READY;
      return;
    }
    boolean byTicket = theirs.getSecretKind() == SecretKind.SECRET_KIND_TICKET;
    requireSecret(theirs);
    Attempt begun = codes.begin(theirs.getNameplate(), byTicket, source);
    attempt = begun;
    try (Spake2 spake2 = Spake2.host(begun.secret(), client, host, random)) {
      HostHello ours =
          HostHello.newBuilder()
              .setVersion(version)
              .setFeatures(FEATURES)
              .setSpakeShare(ByteString.copyFrom(spake2.share()))
              .build();
      hellos.add(payload);
      hellos.add(ours.toByteArray());
      confirmation = spake2.finish(theirs.getSpakeShare().toByteArray(), hellos.hash());
      hello = ours;
    } catch (Spake2Exception noPoint) {
      begun.forgive();
      throw RefusedException.malformed("the SPAKE2 share of the hello");
    } finally {
      begun.secret().close();
    }
    state = State.HELLO_READY;
  }

  HostHello createHello() {
    require(State.HELLO_READY);
    state = proven == null ? State.AWAIT_CONFIRM : State.CONFIRM_READY;
    return present(hello);
  }

  /** The peer that needs no proof but its key; empty where a code is to be proved yet. */
  Optional<Proven> returned() {
    return Optional.ofNullable(proven);
  }

  /** Takes the client's proof; only then is what it says of itself read. Cheap. */
  Proven consumeConfirm(byte[] payload) throws RefusedException {
    require(State.AWAIT_CONFIRM);
    state = State.FAILED;
    ClientConfirm theirs;
    try {
      theirs = ClientConfirm.parseFrom(payload);
    } catch (InvalidProtocolBufferException unreadable) {
      throw RefusedException.malformed("the confirmation is no message");
    }
    if (!present(confirmation).matches(theirs.getConfirmation().toByteArray())) {
      throw new RefusedException(RefusalReason.REFUSAL_REASON_WRONG_SECRET, "the secret is wrong");
    }
    present(attempt).admit(client);
    Offer offer = present(attempt).offer();
    String unnamed = client.toString().substring(0, SHOWN_KEY_DIGITS);
    Proven known =
        new Proven(
            offer,
            DisplayName.of(theirs.getDisplayName(), unnamed).text(),
            offer.writable() && theirs.getWantWrite());
    proven = known;
    state = State.CONFIRM_READY;
    return known;
  }

  /**
   * Refuses if the code or the grant was ended meanwhile. Asked again once the peer stands among
   * those whom the end of a share sends away, so that no peer comes in behind that end.
   */
  void requireLive() throws RefusedException {
    if (attempt == null) {
      returning.admit(client, ByteString.copyFrom(present(proven).offer().share().bytes()));
      return;
    }
    attempt.requireLive();
  }

  HostConfirm createConfirm(SessionLimits limits, LaneToken token) {
    require(State.CONFIRM_READY);
    Proven known = present(proven);
    ByteString proof =
        confirmation == null ? ByteString.EMPTY : ByteString.copyFrom(confirmation.own());
    HostConfirm confirm =
        HostConfirm.newBuilder()
            .setConfirmation(proof)
            .setShareId(ByteString.copyFrom(known.offer().share().bytes()))
            .setShareName(known.offer().shareName())
            .setWritable(known.writable())
            .setLimits(limits)
            .setLaneToken(token.toByteString())
            .build();
    close();
    state = State.DONE;
    return confirm;
  }

  /** Over the hellos so far; both sides have the same. */
  byte[] hellosHash() {
    return hellos.hash();
  }

  /**
   * Wipes what is secret; a guess that was not right by now was wrong. Does nothing the second
   * time.
   */
  @Override
  public void close() {
    state = State.FAILED;
    if (attempt != null) {
      attempt.close();
    }
    if (confirmation != null) {
      confirmation.close();
    }
  }

  private static ClientHello parseHello(byte[] payload) throws RefusedException {
    try {
      return ClientHello.parseFrom(payload);
    } catch (InvalidProtocolBufferException unreadable) {
      throw RefusedException.malformed("the hello is no message");
    }
  }

  private int negotiate(ClientHello theirs) throws RefusedException {
    if (!Versions.valid(theirs.getOldestVersion(), theirs.getNewestVersion())) {
      throw RefusedException.malformed("the versions of the hello");
    }
    Versions mount = new Versions(theirs.getOldestVersion(), theirs.getNewestVersion());
    if (mount.newest() < versions.oldest()) {
      throw new RefusedException(
          RefusalReason.REFUSAL_REASON_TOO_OLD,
          "this host speaks %s, the mount speaks %s: update the mount".formatted(versions, mount));
    }
    if (mount.oldest() > versions.newest()) {
      throw new RefusedException(
          RefusalReason.REFUSAL_REASON_TOO_NEW,
          "this host speaks %s, the mount speaks %s: update the host".formatted(versions, mount));
    }
    return Math.min(mount.newest(), versions.newest());
  }

  private static void requireSecret(ClientHello theirs) throws RefusedException {
    if (theirs.getSecretKind() != SecretKind.SECRET_KIND_CODE
        && theirs.getSecretKind() != SecretKind.SECRET_KIND_TICKET) {
      throw RefusedException.malformed("a kind of secret that this host does not know");
    }
    // As unsigned: a protobuf uint32 past 2^31 arrives negative.
    if (Integer.compareUnsigned(theirs.getNameplate(), JoinCode.NAMEPLATES) >= 0) {
      throw RefusedException.malformed("the nameplate of the hello");
    }
    if (theirs.getSpakeShare().size() != Spake2.SHARE_BYTES) {
      throw RefusedException.malformed("the SPAKE2 share of the hello");
    }
  }

  private void require(State expected) {
    if (state != expected) {
      throw new IllegalStateException("handshake is at %s, not %s".formatted(state, expected));
    }
  }

  private static <T> T present(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("handshake without what its state promises");
    }
    return value;
  }
}
