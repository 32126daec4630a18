package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.SourcePrefix;
import io.wormhole.protocol.join.PakeSecret;
import io.wormhole.protocol.join.Ticket;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.ClientHello;
import io.wormhole.protocol.wire.message.SecretKind;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The four messages of joining, at the end that takes them; the first byte says which. */
public final class HandshakeFuzz {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final InetSocketAddress LOOPBACK =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
  private static final Fingerprint CLIENT = fingerprint(1);
  private static final Fingerprint HOST = fingerprint(2);
  private static final LiveCodes CODES =
      new LiveCodes(HOST, TakenNameplates.NONE, Clock.systemUTC(), RANDOM);

  /** Not its code, which is dead after a hundred guesses. */
  private static final Ticket TICKET = ticket();

  private static final PakeSecret SECRET = PakeSecret.of(TICKET);
  private static final SourcePrefix SOURCE = new SourcePrefix(1, false);
  private static final ReturningPeers RETURNING = returning();

  private HandshakeFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    if (input.length == 0) {
      return;
    }
    byte[] message = Arrays.copyOfRange(input, 1, input.length);
    try (HostHandshake host =
            new HostHandshake(Versions.OURS, CODES, RETURNING, CLIENT, SOURCE, HOST, RANDOM);
        ClientHandshake client =
            new ClientHandshake(
                Versions.OURS,
                TICKET,
                SECRET,
                CLIENT,
                HOST,
                new Introduction("somebody", true),
                RANDOM)) {
      switch (input[0] & 3) {
        case 0 -> host.consumeHello(nameplateFilled(message));
        case 1 -> {
          host.consumeHello(client.createHello().toByteArray());
          host.createHello();
          host.consumeConfirm(message);
          throw new AssertionError("let in without knowing the code");
        }
        case 2 -> {
          client.createHello();
          client.consumeHello(message);
        }
        default -> {
          host.consumeHello(client.createHello().toByteArray());
          client.consumeHello(host.createHello().toByteArray());
          client.createConfirm();
          client.consumeConfirm(message);
          throw new AssertionError("believed without a proof");
        }
      }
    } catch (RefusedException | JoinException refused) {
      if (refused.getMessage() == null) {
        throw new AssertionError("a refusal without words", refused);
      }
    }
  }

  /** The nameplate is no secret: whoever attacks has it. */
  private static byte[] nameplateFilled(byte[] message) {
    try {
      return ClientHello.parseFrom(message).toBuilder()
          .setNameplate(TICKET.nameplate())
          .build()
          .toByteArray();
    } catch (com.google.protobuf.InvalidProtocolBufferException none) {
      return message;
    }
  }

  public static List<byte[]> seeds() {
    try (HostHandshake host =
            new HostHandshake(Versions.OURS, CODES, RETURNING, CLIENT, SOURCE, HOST, RANDOM);
        ClientHandshake client =
            new ClientHandshake(
                Versions.OURS,
                TICKET,
                SECRET,
                CLIENT,
                HOST,
                new Introduction("somebody", true),
                RANDOM)) {
      List<byte[]> seeds = new ArrayList<>();
      byte[] hello = client.createHello().toByteArray();
      seeds.add(seed(0, hello));
      host.consumeHello(hello);
      byte[] answer = host.createHello().toByteArray();
      seeds.add(seed(2, answer));
      client.consumeHello(answer);
      seeds.add(seed(1, client.createConfirm().toByteArray()));
      seeds.add(
          seed(
              0,
              ClientHello.newBuilder()
                  .setOldestVersion(1)
                  .setNewestVersion(1)
                  .setSecretKind(SecretKind.SECRET_KIND_PINNED)
                  .setShareId(com.google.protobuf.ByteString.copyFrom(new byte[ShareId.BYTES]))
                  .build()
                  .toByteArray()));
      return seeds;
    } catch (RefusedException | JoinException refused) {
      throw new AssertionError(refused);
    }
  }

  private static byte[] seed(int kind, byte[] message) {
    byte[] seed = new byte[message.length + 1];
    seed[0] = (byte) kind;
    System.arraycopy(message, 0, seed, 1, message.length);
    return seed;
  }

  private static Ticket ticket() {
    try {
      return CODES
          .add(
              new Offer(ShareId.random(RANDOM), "share", false),
              new CodeTerms(
                  Optional.empty(), CodeTerms.DEFAULT_LIFE, false, List.of(LOOPBACK), _ -> {}))
          .ticket();
    } catch (CodeUnavailableException none) {
      throw new AssertionError(none);
    }
  }

  private static ReturningPeers returning() {
    try {
      java.nio.file.Path folder = Files.createTempDirectory("fuzz");
      folder.toFile().deleteOnExit();
      return new ReturningPeers(PinnedPeers.open(folder, Clock.systemUTC()), _ -> Optional.empty());
    } catch (java.io.IOException full) {
      throw new java.io.UncheckedIOException(full);
    }
  }

  private static Fingerprint fingerprint(int seed) {
    byte[] bytes = new byte[Fingerprint.BYTES];
    Arrays.fill(bytes, (byte) seed);
    return Fingerprint.of(bytes);
  }
}
