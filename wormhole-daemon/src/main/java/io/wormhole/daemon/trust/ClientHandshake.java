package io.wormhole.daemon.trust;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.protocol.join.Confirmation;
import io.wormhole.protocol.join.Invitation;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.PakeSecret;
import io.wormhole.protocol.join.Spake2;
import io.wormhole.protocol.join.Spake2Exception;
import io.wormhole.protocol.join.Ticket;
import io.wormhole.protocol.name.DisplayName;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.ClientConfirm;
import io.wormhole.protocol.wire.message.ClientHello;
import io.wormhole.protocol.wire.message.HostConfirm;
import io.wormhole.protocol.wire.message.HostHello;
import io.wormhole.protocol.wire.message.SecretKind;
import io.wormhole.protocol.wire.message.SessionLimits;
import java.security.SecureRandom;
import org.jspecify.annotations.Nullable;

/**
 * The client's half of joining, without a socket, a clock or a thread: messages out, bytes in.
 *
 * <pre>
 * START         -- createHello -->    AWAIT_HELLO   -- consumeHello -->   CONFIRM_READY
 *               -- createConfirm -->  AWAIT_CONFIRM -- consumeConfirm --> DONE
 * </pre>
 *
 * <p>Who comes back without a code says nothing between the host's hello and its confirmation.
 *
 * <p>Nothing the host says is believed before its confirmation is right. A step that fails ends the
 * handshake for good and wipes the secrets. Calls out of order are a fault of ours. Not
 * thread-safe; closed by whoever made it.
 */
final class ClientHandshake implements AutoCloseable {
  /** This version has no features. */
  private static final long FEATURES = 0;

  private static final String NAMELESS_SHARE = "share";

  private enum State {
    START,
    AWAIT_HELLO,
    CONFIRM_READY,
    AWAIT_CONFIRM,
    DONE,
    FAILED
  }

  /**
   * What a host that has proved the code gives.
   *
   * @param shareName as {@link DisplayName} makes it fit
   */
  record Given(
      ShareId share,
      String shareName,
      boolean writable,
      SessionLimits limits,
      LaneToken laneToken) {}

  private final Versions versions;
  private final Introduction introduction;

  /**
   * Both null for who comes back without a code; then {@code known} is the share he was let in to.
   */
  private final @Nullable Invitation invitation;

  private final @Nullable Spake2 spake2;

  private final @Nullable ShareId known;
  private final Hellos hellos = new Hellos();

  private State state = State.START;
  private @Nullable Confirmation confirmation;

  /**
   * About a millisecond of one core.
   *
   * @param invitation the code or the ticket
   * @param secret what it stretches to; copied, stays the caller's
   * @param client this side's own certificate
   * @param host whose certificate the other end of the lane showed
   */
  ClientHandshake(
      Versions versions,
      Invitation invitation,
      PakeSecret secret,
      Fingerprint client,
      Fingerprint host,
      Introduction introduction,
      SecureRandom random) {
    this.versions = versions;
    this.invitation = invitation;
    this.introduction = introduction;
    this.spake2 = Spake2.client(secret, client, host, random);
    this.known = null;
  }

  /**
   * Comes back to a share without a code. The caller has compared the key at the other end of the
   * lane with the one that is known: TLS proves both.
   */
  ClientHandshake(Versions versions, ShareId known, Introduction introduction) {
    this.versions = versions;
    this.invitation = null;
    this.introduction = introduction;
    this.spake2 = null;
    this.known = known;
  }

  ClientHello createHello() {
    require(State.START);
    ClientHello.Builder offered =
        ClientHello.newBuilder()
            .setOldestVersion(versions.oldest())
            .setNewestVersion(versions.newest())
            .setFeatures(FEATURES);
    ClientHello hello =
        (invitation == null || spake2 == null
                ? offered
                    .setSecretKind(SecretKind.SECRET_KIND_PINNED)
                    .setShareId(ByteString.copyFrom(present(known).bytes()))
                : offered
                    .setSecretKind(kind(invitation))
                    .setNameplate(invitation.nameplate())
                    .setSpakeShare(ByteString.copyFrom(spake2.share())))
            .build();
    hellos.add(hello.toByteArray());
    state = State.AWAIT_HELLO;
    return hello;
  }

  /** Takes the host's hello. About a millisecond of one core. */
  void consumeHello(byte[] payload) throws JoinException {
    require(State.AWAIT_HELLO);
    state = State.FAILED;
    HostHello theirs;
    try {
      theirs = HostHello.parseFrom(payload);
    } catch (InvalidProtocolBufferException unreadable) {
      throw JoinException.malformed("a hello that is no message");
    }
    if (!versions.contains(theirs.getVersion())) {
      throw JoinException.malformed("a version that it was not offered");
    }
    if (spake2 == null) {
      state = State.AWAIT_CONFIRM;
      return;
    }
    if (theirs.getSpakeShare().size() != Spake2.SHARE_BYTES) {
      throw JoinException.malformed("a SPAKE2 share that is none");
    }
    hellos.add(payload);
    try {
      confirmation = spake2.finish(theirs.getSpakeShare().toByteArray(), hellos.hash());
    } catch (Spake2Exception noPoint) {
      throw JoinException.malformed("a SPAKE2 share that is none");
    }
    state = State.CONFIRM_READY;
  }

  ClientConfirm createConfirm() {
    require(State.CONFIRM_READY);
    state = State.AWAIT_CONFIRM;
    return ClientConfirm.newBuilder()
        .setConfirmation(ByteString.copyFrom(present(confirmation).own()))
        .setDisplayName(introduction.displayName())
        .setWantWrite(introduction.wantWrite())
        .build();
  }

  /** Takes the host's proof, and then what it gives. Cheap. */
  Given consumeConfirm(byte[] payload) throws JoinException {
    require(State.AWAIT_CONFIRM);
    state = State.FAILED;
    HostConfirm theirs;
    try {
      theirs = HostConfirm.parseFrom(payload);
    } catch (InvalidProtocolBufferException unreadable) {
      throw JoinException.malformed("a confirmation that is no message");
    }
    if (spake2 != null && !present(confirmation).matches(theirs.getConfirmation().toByteArray())) {
      throw new JoinException(
          Reason.HOST_UNPROVED, "the other end does not know the code that it answers to");
    }
    Given given = given(theirs);
    close();
    state = State.DONE;
    return given;
  }

  /** Over the hellos so far; both sides have the same. */
  byte[] hellosHash() {
    return hellos.hash();
  }

  /** Wipes what is secret. Does nothing the second time. */
  @Override
  public void close() {
    state = State.FAILED;
    if (spake2 != null) {
      spake2.close();
    }
    if (confirmation != null) {
      confirmation.close();
    }
  }

  private Given given(HostConfirm theirs) throws JoinException {
    if (theirs.getShareId().size() != ShareId.BYTES
        || theirs.getLaneToken().size() != Limits.TOKEN_BYTES) {
      throw JoinException.malformed("a share id or a lane token of a wrong length");
    }
    if (known == null && theirs.getWritable() && !introduction.wantWrite()) {
      throw JoinException.malformed("a right that nobody asked for");
    }
    if (known != null && !known.equals(ShareId.of(theirs.getShareId().toByteArray()))) {
      throw JoinException.malformed("another share than the one that was asked for");
    }
    SessionLimits limits = theirs.getLimits();
    // A uint32 past 2^31 arrives negative, and is as useless as none.
    if (limits.getRequestsInFlight() <= 0
        || limits.getBytesInFlight() < Limits.CHUNK_BYTES
        || limits.getOpenHandles() <= 0) {
      throw JoinException.malformed("limits that allow nothing");
    }
    return new Given(
        ShareId.of(theirs.getShareId().toByteArray()),
        DisplayName.of(theirs.getShareName(), NAMELESS_SHARE).text(),
        theirs.getWritable() && introduction.wantWrite(),
        limits,
        LaneToken.of(theirs.getLaneToken()));
  }

  private static SecretKind kind(Invitation invitation) {
    return switch (invitation) {
      case JoinCode _ -> SecretKind.SECRET_KIND_CODE;
      case Ticket _ -> SecretKind.SECRET_KIND_TICKET;
    };
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
