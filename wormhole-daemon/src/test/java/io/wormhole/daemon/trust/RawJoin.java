package io.wormhole.daemon.trust;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.transport.RawPeer;
import io.wormhole.daemon.transport.RawStream;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.PakeSecret;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.message.BulkHello;
import java.net.InetSocketAddress;
import java.security.SecureRandom;

/**
 * A peer that has joined by the book, on a connection that it can do anything with.
 *
 * @param control the stream it joined on
 * @param token for a bulk lane
 */
public record RawJoin(RawPeer peer, RawStream control, LaneToken token) {
  private static final SecureRandom RANDOM = new SecureRandom();

  /** Joins. */
  public static RawJoin join(
      InetSocketAddress address, JoinCode code, Identity client, Fingerprint host)
      throws Exception {
    RawPeer peer = RawPeer.connect(address, client.privateKey(), client.certificate());
    RawStream control = peer.open();
    try (ClientHandshake handshake = handshake(code, client.fingerprint(), host)) {
      control.send(FrameType.CLIENT_HELLO, handshake.createHello());
      handshake.consumeHello(expect(control, FrameType.HOST_HELLO));
      control.send(FrameType.CLIENT_CONFIRM, handshake.createConfirm());
      var given = handshake.consumeConfirm(expect(control, FrameType.HOST_CONFIRM));
      return new RawJoin(peer, control, given.laneToken());
    }
  }

  /** A bulk lane, opened with the token of this one. */
  public RawJoin bulk(InetSocketAddress address, Identity client) throws Exception {
    RawPeer lane = RawPeer.connect(address, client.privateKey(), client.certificate());
    RawStream stream = lane.open();
    stream.send(FrameType.BULK_HELLO, bulkHello());
    expect(stream, FrameType.BULK_WELCOME);
    return new RawJoin(lane, stream, token);
  }

  /** The first frame of a bulk lane with this token. */
  public BulkHello bulkHello() {
    return BulkHello.newBuilder().setLaneToken(token.toByteString()).build();
  }

  /** The same peer with another token. */
  public RawJoin with(ByteString other) {
    return new RawJoin(peer, control, LaneToken.of(other));
  }

  /** The first frame of a handshake that a client would send. */
  public static byte[] hello(JoinCode code, Identity client, Fingerprint host) {
    try (ClientHandshake handshake = handshake(code, client.fingerprint(), host)) {
      return handshake.createHello().toByteArray();
    }
  }

  private static ClientHandshake handshake(JoinCode code, Fingerprint client, Fingerprint host) {
    return new ClientHandshake(
        Versions.OURS,
        code,
        PakeSecret.of(code),
        client,
        host,
        new Introduction("evil\u001b[31m", true),
        RANDOM);
  }

  private static byte[] expect(RawStream stream, FrameType type) throws InterruptedException {
    RawStream.Frame frame = stream.next();
    assertThat(frame.type()).isEqualTo(type);
    return frame.payload();
  }
}
