package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.BulkHello;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A bulk lane by token, to the very key that gave the token. The token may come when the lane is
 * there already; nothing is said before.
 */
final class BulkEntrance extends Entrance<OpenLane> {
  private final CompletableFuture<Pass> pass;

  /** What lets a bulk lane in, once, and the key that gave it. */
  record Pass(Fingerprint host, LaneToken token) {}

  /**
   * @param pass fails if there will be none
   */
  BulkEntrance(InetSocketAddress address, CompletableFuture<Pass> pass) {
    super(address);
    this.pass = pass;
  }

  @Override
  void opened(FrameStream stream) {
    var unusedShown = pass.whenComplete((given, failure) -> show(stream, given));
  }

  private void show(FrameStream stream, @Nullable Pass given) {
    if (given == null) {
      fail(new JoinException(Reason.TOKEN_REFUSED, "there is no token to show"));
    } else if (!stream.lane().peer().equals(given.host())) {
      fail(
          new JoinException(
              Reason.WRONG_HOST,
              "%s answers with key %s, joined was %s"
                  .formatted(stream.lane().remoteAddress(), stream.lane().peer(), given.host())));
    } else {
      stream.send(
          FrameType.BULK_HELLO,
          BulkHello.newBuilder().setLaneToken(given.token().toByteString()).build());
    }
  }

  @Override
  void answer(FrameStream stream, FrameType type, byte[] payload) throws WireException {
    if (type != FrameType.BULK_WELCOME || !pass.isDone()) {
      throw new WireException(type + " before trust");
    }
    stream.lane().trust();
    succeed(openLane(stream));
  }

  @Override
  void over(boolean in) {
    // A token that was shown is used up; there is no other secret.
  }
}
