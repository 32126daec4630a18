package io.wormhole.daemon.trust;

import io.wormhole.protocol.wire.message.Refusal;
import io.wormhole.protocol.wire.message.RefusalReason;

/** A host does not let a peer in; the peer is told so in these words. */
final class RefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final RefusalReason reason;

  /**
   * @param words at most {@link io.wormhole.protocol.wire.Limits#WORDS_BYTES}, fit for a terminal
   */
  RefusedException(RefusalReason reason, String words) {
    super(words);
    this.reason = reason;
  }

  static RefusedException malformed(String what) {
    return new RefusedException(RefusalReason.REFUSAL_REASON_MALFORMED, "malformed: " + what);
  }

  RefusalReason reason() {
    return reason;
  }

  Refusal toMessage() {
    return Refusal.newBuilder().setReason(reason).setWords(getMessage()).build();
  }
}
