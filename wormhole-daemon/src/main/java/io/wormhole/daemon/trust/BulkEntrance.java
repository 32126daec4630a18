package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.BulkHello;
import java.net.InetSocketAddress;

/** A bulk lane by token, to the very key that gave the token. */
final class BulkEntrance extends Entrance<OpenLane> {
  private final Fingerprint host;
  private final LaneToken token;

  BulkEntrance(InetSocketAddress address, Fingerprint host, LaneToken token) {
    super(address);
    this.host = host;
    this.token = token;
  }

  @Override
  void requirePeer(Lane dialled) throws JoinException {
    if (!dialled.peer().equals(host)) {
      throw new JoinException(
          Reason.WRONG_HOST,
          "%s answers with key %s, joined was %s"
              .formatted(dialled.remoteAddress(), dialled.peer(), host));
    }
  }

  @Override
  void opened(FrameStream stream) {
    stream.send(
        FrameType.BULK_HELLO, BulkHello.newBuilder().setLaneToken(token.toByteString()).build());
  }

  @Override
  void answer(FrameStream stream, FrameType type, byte[] payload) throws WireException {
    if (type != FrameType.BULK_WELCOME) {
      throw new WireException(type + " before trust");
    }
    stream.lane().trust();
    succeed(openLane(stream));
  }

  @Override
  void over() {
    // A token that was shown is used up; there is no other secret.
  }
}
