package io.wormhole.daemon.mount;

import io.wormhole.daemon.transport.Requests;
import io.wormhole.protocol.wire.message.GetAttributes;
import io.wormhole.protocol.wire.message.Path;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/**
 * The attributes of a share's root, asked for as soon as there is a control lane, so that the
 * answer travels while the bulk lane is being let in.
 */
public final class RootQuestion {
  private final CompletableFuture<Reply> answer;
  private final long askedNanos;

  private RootQuestion(CompletableFuture<Reply> answer, long askedNanos) {
    this.answer = answer;
    this.askedNanos = askedNanos;
  }

  /** Asks; does not wait. */
  public static RootQuestion ask(Requests control, LongSupplier tickerNanos) {
    long askedNanos = tickerNanos.getAsLong();
    GetAttributes.Builder root = GetAttributes.newBuilder().setPath(Path.getDefaultInstance());
    return new RootQuestion(
        control.call(
            Request.newBuilder().setGetAttributes(root), MountSettings.DEFAULTS.deadline()),
        askedNanos);
  }

  CompletableFuture<Reply> answer() {
    return answer;
  }

  long askedNanos() {
    return askedNanos;
  }
}
