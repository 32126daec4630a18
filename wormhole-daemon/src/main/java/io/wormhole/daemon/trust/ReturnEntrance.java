package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.WireException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A control lane to a host that is known, without a code: nothing is said to any other key. On the
 * event loop; there is no secret and no curve's work.
 */
final class ReturnEntrance extends Entrance<Joined> {
  private static final Logger LOG = LoggerFactory.getLogger(ReturnEntrance.class);

  private final InetSocketAddress address;
  private final Fingerprint host;
  private final BulkDial bulk;
  private final PinnedPeers pins;
  private final Executor executor;
  private final ClientHandshake handshake;
  private boolean greeted;

  /**
   * @param executor notes where the host was found, behind whoever waits for the lane
   */
  ReturnEntrance(
      InetSocketAddress address,
      Fingerprint host,
      ShareId share,
      Introduction introduction,
      BulkDial bulk,
      PinnedPeers pins,
      Executor executor) {
    super(address);
    this.address = address;
    this.host = host;
    this.bulk = bulk;
    this.pins = pins;
    this.executor = executor;
    this.handshake = new ClientHandshake(Versions.OURS, share, introduction);
  }

  @Override
  void requirePeer(Lane dialled) throws JoinException {
    if (!dialled.peer().equals(host)) {
      throw new JoinException(
          Reason.WRONG_HOST,
          "%s answers with key %s, known is %s"
              .formatted(dialled.remoteAddress(), dialled.peer(), host));
    }
  }

  @Override
  void opened(FrameStream stream) {
    bulk.begin(stream.lane().peer());
    stream.send(FrameType.CLIENT_HELLO, handshake.createHello());
  }

  @Override
  void answer(FrameStream stream, FrameType type, byte[] payload)
      throws WireException, JoinException {
    if (type == FrameType.HOST_HELLO && !greeted) {
      greeted = true;
      handshake.consumeHello(payload);
    } else if (type == FrameType.HOST_CONFIRM && greeted) {
      Lane lane = stream.lane();
      Joined joined = Joined.of(openLane(stream), handshake.consumeConfirm(payload), bulk);
      lane.trust();
      executor.execute(() -> found(joined));
      succeed(joined);
    } else {
      throw new WireException(type + " out of order");
    }
  }

  private void found(Joined joined) {
    try {
      pins.recordHost(joined.host(), joined.share(), joined.shareName(), address);
    } catch (IOException notKept) {
      LOG.warn("where {} was found is not kept: {}", host, notKept.getMessage());
    }
  }

  @Override
  void over(boolean in) {
    if (!in) {
      bulk.giveUp();
    }
  }
}
