package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Refusal;
import io.wormhole.protocol.wire.message.RefusalReason;
import java.io.IOException;

/**
 * A host was not joined, or a further lane to it not opened. The message is one line for a person;
 * what a host has said of itself is marked as its words and fit for a terminal.
 */
public final class JoinException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Why not, and what a person can do about it. */
  public enum Reason {
    /** The host has no code of this nameplate: ended, expired, or never its own. */
    UNKNOWN_CODE("ask for a new code"),
    /** The nameplate is right, the secret is not. */
    WRONG_SECRET("compare the code with the host's, or ask for a new one"),
    /** This program is too old for the host. */
    TOO_OLD("update wormhole here"),
    /** The host is too old for this program. */
    TOO_NEW("update wormhole at the host"),
    /** The host takes no more just now. */
    BUSY("try again in a minute"),
    /** What the code opened is shared no more. */
    SHARE_ENDED("ask the host to share it again"),
    /** The code was guessed at too often for now. */
    TOO_MANY_GUESSES("wait a minute; if you did not mistype it, somebody is guessing"),
    /** The code was guessed at too often for good. */
    CODE_DEAD("ask for a new code"),
    /** This key may not come to the share without a code, or not any more. */
    NO_GRANT("ask for a new code"),
    /** The host is there, and the share is not hosted just now. */
    NOT_HOSTED("ask the host to share it again"),
    /** The host does not know, or no longer, the token of a bulk lane. */
    TOKEN_REFUSED("mount again"),
    /** Nobody answered, or not in time. */
    UNREACHABLE("check the address, and that the host is running and not behind a firewall"),
    /** Another key answered than the one that was joined. Nothing was sent to it. */
    WRONG_HOST("somebody may be in between: compare the fingerprints before you go on"),
    /** The code is right, and the share is known to have another host. */
    HOST_CHANGED("somebody may be in between: ask the host which fingerprint is its own"),
    /** The other end did not prove that it knows the code, though it claims to be the host. */
    HOST_UNPROVED("somebody may be in between: ask for a new code by another way"),
    /** The other end does not keep to the protocol. */
    PROTOCOL("check that the address is a wormhole host's, and update the older of the two");

    private final String next;

    Reason(String next) {
      this.next = next;
    }
  }

  private final Reason reason;
  private final String next;

  JoinException(Reason reason, String message) {
    this(reason, message, reason.next);
  }

  private JoinException(Reason reason, String message, String next) {
    super(message);
    this.reason = reason;
    this.next = next;
  }

  JoinException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
    this.next = reason.next;
  }

  /** A code was proved by another key than the one that is known for the share. */
  static JoinException hostChanged(KnownHost known, Fingerprint now) {
    return new JoinException(
        Reason.HOST_CHANGED,
        "the host of \"%s\" has another key: known is %s, this one is %s"
            .formatted(known.name(), known.host(), now),
        "if its user says that the new one is right: wormhole peers forget " + known.host());
  }

  /** Nobody answers, or nobody is there to be asked. */
  public static JoinException unreachable(String message) {
    return new JoinException(Reason.UNREACHABLE, message);
  }

  static JoinException malformed(String what) {
    return new JoinException(Reason.PROTOCOL, "the host sent " + what);
  }

  /** From a host's refusal; its words are untrusted. */
  static JoinException of(Refusal refusal) {
    Reason reason =
        switch (refusal.getReason()) {
          case REFUSAL_REASON_UNKNOWN_CODE -> Reason.UNKNOWN_CODE;
          case REFUSAL_REASON_WRONG_SECRET -> Reason.WRONG_SECRET;
          case REFUSAL_REASON_TOO_OLD -> Reason.TOO_OLD;
          case REFUSAL_REASON_TOO_NEW -> Reason.TOO_NEW;
          case REFUSAL_REASON_BUSY -> Reason.BUSY;
          case REFUSAL_REASON_SHARE_ENDED -> Reason.SHARE_ENDED;
          case REFUSAL_REASON_TOO_MANY_GUESSES -> Reason.TOO_MANY_GUESSES;
          case REFUSAL_REASON_CODE_DEAD -> Reason.CODE_DEAD;
          case REFUSAL_REASON_NO_GRANT -> Reason.NO_GRANT;
          case REFUSAL_REASON_NOT_HOSTED -> Reason.NOT_HOSTED;
          case REFUSAL_REASON_BAD_TOKEN -> Reason.TOKEN_REFUSED;
          case REFUSAL_REASON_MALFORMED, REFUSAL_REASON_UNSPECIFIED, UNRECOGNIZED ->
              Reason.PROTOCOL;
        };
    String words = Printable.of(refusal.getWords(), Limits.WORDS_BYTES);
    return new JoinException(
        reason, words.isEmpty() ? "the host refused without a word" : "the host said: " + words);
  }

  /** From the end of a lane on which no refusal came. */
  static JoinException of(LaneException end) {
    Reason reason =
        switch (end.kind()) {
          case UNREACHABLE, CLOSED_HERE -> Reason.UNREACHABLE;
          case PROTOCOL -> Reason.PROTOCOL;
          case CLOSED_BY_PEER -> byPeer(end.reason());
        };
    return new JoinException(reason, String.valueOf(end.getMessage()), end);
  }

  private static Reason byPeer(CloseReason reason) {
    return switch (reason) {
      case GOODBYE -> Reason.SHARE_ENDED;
      case TOO_SLOW -> Reason.UNREACHABLE;
      case REVOKED -> Reason.NO_GRANT;
      case BUSY -> Reason.BUSY;
      case DONE, PROTOCOL, REFUSED -> Reason.PROTOCOL;
    };
  }

  public Reason reason() {
    return reason;
  }

  /** What the person can do about it: one line, no full stop. */
  public String next() {
    return next;
  }

  /** What the host is told of it before the lane is closed. */
  Refusal toMessage() {
    return Refusal.newBuilder()
        .setReason(
            reason == Reason.HOST_UNPROVED
                ? RefusalReason.REFUSAL_REASON_WRONG_SECRET
                : RefusalReason.REFUSAL_REASON_MALFORMED)
        .setWords(String.valueOf(getMessage()))
        .build();
  }
}
