package io.wormhole.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.transport.RawStream;
import io.wormhole.daemon.transport.RawTlsPeer;
import io.wormhole.daemon.trust.Identity;
import io.wormhole.daemon.trust.RawJoin;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.GetAttributes;
import io.wormhole.protocol.wire.message.OpenFile;
import io.wormhole.protocol.wire.message.Path;
import io.wormhole.protocol.wire.message.Ping;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Refusal;
import io.wormhole.protocol.wire.message.RefusalReason;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.util.function.LongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** As {@link EvilClientTest}, of what a lane over TCP lets a peer try. */
@Timeout(120)
class EvilTcpClientTest {
  private static final long MANY_BYTES = 48 << 20;
  private static final long MILLIS_WITHOUT_PROGRESS = 3_000;
  private static final int BATCH_BYTES = 64 << 10;

  @TempDir java.nio.file.Path work;
  private HostUnderAttack host;

  @BeforeEach
  void attack() throws Exception {
    host = new HostUnderAttack(work);
    host.requireServed();
  }

  @AfterEach
  void end() throws Exception {
    try {
      host.requireServed();
    } finally {
      host.close();
    }
  }

  private RawTlsPeer connect(Identity identity) throws Exception {
    return RawTlsPeer.connect(host.address, identity.privateKey(), identity.certificate());
  }

  private static RawStream.Frame greet(RawTlsPeer peer, RawJoin join) throws Exception {
    peer.send(RawStream.frame(FrameType.BULK_HELLO, join.bulkHello().toByteArray()));
    return peer.next();
  }

  /** A lane that the host has let in. */
  private RawTlsPeer bulk() throws Exception {
    RawTlsPeer peer = connect(host.evilIdentity);
    assertThat(greet(peer, host.evil()).type()).isEqualTo(FrameType.BULK_WELCOME);
    return peer;
  }

  private static Request.Builder request(long id) {
    return Request.newBuilder().setId(id).setDeadlineMillis(30_000);
  }

  private static byte[] frame(Request request) {
    return RawStream.frame(FrameType.REQUEST, request.toByteArray());
  }

  private void requireBounded(RawTlsPeer evil, int most, LongFunction<Request> requests)
      throws Exception {
    Footprint before = Footprint.now();
    int sent = 0;
    boolean taken = true;
    while (taken && sent < most) {
      ByteArrayOutputStream batch = new ByteArrayOutputStream();
      while (sent < most && batch.size() < BATCH_BYTES) {
        batch.writeBytes(frame(requests.apply(++sent)));
      }
      taken = evil.tryToSend(batch.toByteArray(), MILLIS_WITHOUT_PROGRESS);
    }
    Footprint.now().requireNoMoreSince(before, MANY_BYTES);
    assertThat(taken).as("the host reads on for ever").isFalse();
    host.requireServed();
  }

  @Test
  void readsThatNobodyReadsTakeNoMemoryEach() throws Exception {
    Files.write(host.folder.resolve("large"), new byte[1 << 20]);
    try (RawTlsPeer evil = bulk()) {
      Path path =
          Path.newBuilder().addNames(com.google.protobuf.ByteString.copyFromUtf8("large")).build();
      evil.send(frame(request(1).setOpenFile(OpenFile.newBuilder().setPath(path)).build()));
      long handle = Reply.parseFrom(evil.next().payload()).getOpenedFile().getHandle();
      ReadFile.Builder read = ReadFile.newBuilder().setHandle(handle).setLength(Limits.CHUNK_BYTES);
      requireBounded(evil, 1_000_000, id -> request(id + 1).setReadFile(read).build());
    }
  }

  @Test
  void questionsWhoseAnswersNobodyReadsAreNotReadForEver() throws Exception {
    try (RawTlsPeer evil = bulk()) {
      requireBounded(
          evil,
          4_000_000,
          id -> request(id).setGetAttributes(GetAttributes.getDefaultInstance()).build());
    }
  }

  @Test
  void tokenIsGoodForOneLaneOfItsOwnKey() throws Exception {
    RawJoin join = host.evil();
    Identity thief = Identity.loadOrCreate(work.resolve("thief"), new java.security.SecureRandom());
    try (RawTlsPeer stolen = connect(thief)) {
      requireRefused(greet(stolen, join));
      assertThat(stolen.awaitClosed()).isTrue();
    }
    RawJoin another = host.evil();
    try (RawTlsPeer first = connect(host.evilIdentity);
        RawTlsPeer second = connect(host.evilIdentity)) {
      assertThat(greet(first, another).type()).isEqualTo(FrameType.BULK_WELCOME);
      requireRefused(greet(second, another));
    }
  }

  private static void requireRefused(RawStream.Frame answer) throws Exception {
    assertThat(answer.type()).isEqualTo(FrameType.REFUSAL);
    assertThat(Refusal.parseFrom(answer.payload()).getReason())
        .isEqualTo(RefusalReason.REFUSAL_REASON_BAD_TOKEN);
  }

  @Test
  void requestBeforeTrustEndsTheLane() throws Exception {
    try (RawTlsPeer evil = connect(host.evilIdentity)) {
      evil.send(frame(request(1).setPing(Ping.getDefaultInstance()).build()));
      assertThat(evil.awaitClosed()).isTrue();
    }
  }

  @Test
  void laneEndsWithItsSession() throws Exception {
    RawJoin join = host.evil();
    try (RawTlsPeer evil = connect(host.evilIdentity)) {
      assertThat(greet(evil, join).type()).isEqualTo(FrameType.BULK_WELCOME);
      join.peer().close();
      assertThat(evil.next().type()).isEqualTo(FrameType.CLOSE);
      assertThat(evil.awaitClosed()).isTrue();
    }
  }
}
