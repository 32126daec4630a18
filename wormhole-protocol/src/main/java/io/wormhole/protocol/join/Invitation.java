package io.wormhole.protocol.join;

/**
 * What lets its holder in to a share once: a {@link JoinCode} for people, a {@link Ticket} for
 * pasting. Immutable; only {@link #format} and {@link #secret} give the secret away.
 */
public sealed interface Invitation permits JoinCode, Ticket {
  /**
   * Reads either.
   *
   * @throws JoinCodeException with what is wrong, for one line to a person
   */
  static Invitation parse(String text) throws JoinCodeException {
    return Ticket.looksLike(text) ? Ticket.parse(text) : JoinCode.parse(text);
  }

  /** Whether somebody who types this means a code or a ticket, with or without mistakes in it. */
  static boolean looksLikeOne(String text) {
    return Ticket.looksLike(text) || JoinCode.looksLikeOne(text);
  }

  /** The public part, 0 to {@link JoinCode#NAMEPLATES} less one. */
  int nameplate();

  /** What SPAKE2's w is stretched from. A copy that the caller wipes. */
  byte[] secret();

  /** The whole of it, secret included, as it is shown to the person who hosts. */
  String format();

  /** Without the secret, for a message or a log. */
  String masked();
}
