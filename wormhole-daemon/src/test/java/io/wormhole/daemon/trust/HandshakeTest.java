package io.wormhole.daemon.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.transport.SourcePrefix;
import io.wormhole.daemon.trust.ClientHandshake.Given;
import io.wormhole.daemon.trust.HostHandshake.Proven;
import io.wormhole.daemon.trust.JoinException.Reason;
import io.wormhole.daemon.trust.LiveCodes.Issued;
import io.wormhole.protocol.join.Confirmation;
import io.wormhole.protocol.join.Invitation;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.PakeSecret;
import io.wormhole.protocol.join.Spake2;
import io.wormhole.protocol.join.Ticket;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.ClientConfirm;
import io.wormhole.protocol.wire.message.ClientHello;
import io.wormhole.protocol.wire.message.HostConfirm;
import io.wormhole.protocol.wire.message.HostHello;
import io.wormhole.protocol.wire.message.RefusalReason;
import io.wormhole.protocol.wire.message.SecretKind;
import io.wormhole.protocol.wire.message.SessionLimits;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Both halves stepped against each other, with whatever may happen to the bytes between. */
class HandshakeTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final Fingerprint CLIENT = fingerprint(1);
  private static final Fingerprint HOST = fingerprint(2);
  private static final Fingerprint BETWEEN = fingerprint(3);
  private static final Offer OFFER = new Offer(ShareId.random(RANDOM), "photos", true);
  private static final ReturningPeers NOBODY_RETURNS =
      new ReturningPeers(noPins(), _ -> Optional.empty());
  private static final LiveCodes CODES = TestCodes.of(HOST);
  private static final Issued ISSUED = live();

  /** Nobody counts guesses at it, and there are many here. */
  private static final Ticket TICKET = ISSUED.ticket();

  private static final PakeSecret SECRET = PakeSecret.of(TICKET);
  private static final SourcePrefix SOURCE = new SourcePrefix(1, false);
  private static final PakeSecret OTHER_SECRET = PakeSecret.of(JoinCode.generate(RANDOM));
  private static final Introduction READER = new Introduction("laptop", false);
  private static final SessionLimits LIMITS =
      SessionLimits.newBuilder()
          .setRequestsInFlight(256)
          .setBytesInFlight(16 << 20)
          .setOpenHandles(1024)
          .build();
  private static final LaneToken TOKEN = LaneToken.random(RANDOM);

  @Test
  void bothSidesHaveTheSameTranscriptAfterEachMessage() throws Exception {
    try (ClientHandshake client = client(SECRET);
        HostHandshake host = host()) {
      assertThat(client.hellosHash()).isEqualTo(host.hellosHash());

      byte[] clientHello = client.createHello().toByteArray();
      host.consumeHello(clientHello);
      byte[] afterBoth = host.hellosHash();
      assertThat(client.hellosHash()).isNotEqualTo(afterBoth);

      client.consumeHello(host.createHello().toByteArray());
      assertThat(client.hellosHash()).isEqualTo(afterBoth);

      Proven proven = host.consumeConfirm(client.createConfirm().toByteArray());
      assertThat(proven).isEqualTo(new Proven(OFFER, "laptop", false));

      Given given = client.consumeConfirm(host.createConfirm(LIMITS, TOKEN).toByteArray());
      assertThat(given).isEqualTo(new Given(OFFER.share(), "photos", false, LIMITS, TOKEN));
      assertThat(client.hellosHash()).isEqualTo(host.hellosHash());
    }
  }

  @ParameterizedTest
  @CsvSource({"true,true,true", "true,false,false", "false,true,false", "false,false,false"})
  void theRightToWriteIsTheCodesIfTheClientWantsIt(boolean offered, boolean wanted, boolean granted)
      throws Exception {
    LiveCodes codes = TestCodes.of(HOST);
    Issued issued = TestCodes.add(codes, new Offer(OFFER.share(), "photos", offered));
    Run run = new Run(client(issued.code(), new Introduction("laptop", wanted)), host(codes));
    assertThat(run.toClientConfirm().writable()).isEqualTo(granted);
    assertThat(run.toHostConfirm().writable()).isEqualTo(granted);
  }

  @Test
  void aCodeAndItsTicketOpenTheSameAndNeitherIsTheOther() throws Exception {
    for (Invitation invitation : List.of(ISSUED.code(), ISSUED.ticket())) {
      Run run = new Run(client(invitation, READER), host());
      assertThat(run.toClientConfirm().offer()).isEqualTo(OFFER);
      assertThat(run.toHostConfirm().share()).isEqualTo(OFFER.share());
    }
    for (SecretKind other : List.of(SecretKind.SECRET_KIND_CODE, SecretKind.SECRET_KIND_TICKET)) {
      Invitation held = other == SecretKind.SECRET_KIND_CODE ? ISSUED.ticket() : ISSUED.code();
      Run swapped = new Run(client(held, READER), host());
      swapped.onClientHello = hello -> hello.toBuilder().setSecretKind(other).build();
      assertWrongSecret(swapped);
    }
  }

  @Test
  void aWrongGuessCountsAndARightOneDoesNot() throws Exception {
    LiveCodes codes = TestCodes.of(HOST);
    Issued issued = TestCodes.add(codes, OFFER);
    try (PakeSecret right = PakeSecret.of(issued.code())) {
      for (int i = 0; i < 5; i++) {
        Run run = new Run(guesser(issued, right), host(codes));
        run.toClientConfirm();
        run.host.close();
      }
    }
    // Points that are none tell a guesser nothing, and cost nothing.
    ClientHello noPoint =
        guesser(issued, OTHER_SECRET).createHello().toBuilder()
            .setSpakeShare(ByteString.copyFrom(new byte[Spake2.SHARE_BYTES]))
            .build();
    for (int i = 0; i < 5; i++) {
      assertRefused(host(codes), noPoint.toByteArray(), "REFUSAL_REASON_MALFORMED", "SPAKE2");
    }
    for (int i = 0; i < Guesses.AT_ONCE_PER_SOURCE; i++) {
      Run run = new Run(guesser(issued, OTHER_SECRET), host(codes));
      assertWrongSecret(run);
      run.host.close();
    }
    RefusedException refused =
        assertRefused(
            host(codes),
            guesser(issued, OTHER_SECRET).createHello().toByteArray(),
            "REFUSAL_REASON_TOO_MANY_GUESSES",
            "guess");
    assertThat(JoinException.of(refused.toMessage()).reason()).isEqualTo(Reason.TOO_MANY_GUESSES);
  }

  private static ClientHandshake guesser(Issued issued, PakeSecret guess) {
    return new ClientHandshake(Versions.OURS, issued.code(), guess, CLIENT, HOST, READER, RANDOM);
  }

  @Test
  void aWrongSecretIsRefusedByTheHost() throws Exception {
    assertWrongSecret(new Run(client(OTHER_SECRET), host()));
  }

  @Test
  void anUnknownNameplateIsAnotherRefusalThanAWrongSecret() {
    HostHandshake host = host(TestCodes.of(HOST));
    assertRefused(
        host, client(SECRET).createHello().toByteArray(), "REFUSAL_REASON_UNKNOWN_CODE", "code");
  }

  @Test
  void aHostThatDoesNotKnowTheSecretIsRefusedByTheClient() throws Exception {
    Run run = new Run(client(OTHER_SECRET), host());
    run.hellos();
    run.client.createConfirm();
    assertUnproved(run.client, new byte[Confirmation.BYTES]);
  }

  @Test
  void aManBetweenWithHisOwnCertificateIsRefusedByBoth() throws Exception {
    ClientHandshake client =
        new ClientHandshake(Versions.OURS, TICKET, SECRET, CLIENT, BETWEEN, READER, RANDOM);
    HostHandshake host =
        new HostHandshake(Versions.OURS, CODES, NOBODY_RETURNS, BETWEEN, SOURCE, HOST, RANDOM);
    Run run = new Run(client, host);
    run.hellos();
    byte[] confirm = client.createConfirm().toByteArray();
    assertThatThrownBy(() -> host.consumeConfirm(confirm))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.reason()).isEqualTo(RefusalReason.REFUSAL_REASON_WRONG_SECRET));
    // He has both shares and the client's confirmation, and can answer with nothing better.
    assertUnproved(client, ClientConfirm.parseFrom(confirm).getConfirmation().toByteArray());
  }

  @Test
  void aConfirmationSentBackIsRefused() throws Exception {
    Run run = new Run(client(SECRET), host());
    run.hellos();
    byte[] own = run.client.createConfirm().getConfirmation().toByteArray();
    assertUnproved(run.client, own);
  }

  @Test
  void aConfirmationOfAnotherAttemptIsRefused() throws Exception {
    Run first = new Run(client(SECRET), host());
    first.hellos();
    byte[] replayed = first.client.createConfirm().toByteArray();
    Run second = new Run(client(SECRET), host());
    second.hellos();
    assertThatThrownBy(() -> second.host.consumeConfirm(replayed))
        .isInstanceOf(RefusedException.class);
  }

  @Test
  void aVersionTakenAwayOnTheWayIsNoticed() throws Exception {
    Versions two = new Versions(1, 2);
    ClientHandshake client = new ClientHandshake(two, TICKET, SECRET, CLIENT, HOST, READER, RANDOM);
    Run run =
        new Run(
            client, new HostHandshake(two, CODES, NOBODY_RETURNS, CLIENT, SOURCE, HOST, RANDOM));
    run.onClientHello = hello -> hello.toBuilder().setNewestVersion(1).build();
    assertWrongSecret(run);
  }

  @Test
  void aFeatureAddedOnTheWayIsNoticed() throws Exception {
    Run toHost = new Run(client(SECRET), host());
    toHost.onClientHello = hello -> hello.toBuilder().setFeatures(1).build();
    assertWrongSecret(toHost);

    Run toClient = new Run(client(SECRET), host());
    toClient.onHostHello = hello -> hello.toBuilder().setFeatures(1).build();
    assertWrongSecret(toClient);
  }

  @Test
  void theNewestVersionOfBothIsSpoken() throws Exception {
    HostHandshake host =
        new HostHandshake(new Versions(2, 5), CODES, NOBODY_RETURNS, CLIENT, SOURCE, HOST, RANDOM);
    ClientHandshake client =
        new ClientHandshake(new Versions(1, 3), TICKET, SECRET, CLIENT, HOST, READER, RANDOM);
    host.consumeHello(client.createHello().toByteArray());
    HostHello hello = host.createHello();
    assertThat(hello.getVersion()).isEqualTo(3);
    client.consumeHello(hello.toByteArray());
    assertThat(host.consumeConfirm(client.createConfirm().toByteArray()).displayName())
        .isEqualTo("laptop");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1|1|2|3|TOO_NEW|this host speaks wormhole/1, the mount speaks wormhole/2 to 3: update the"
            + " host",
        "2|3|1|1|TOO_OLD|this host speaks wormhole/2 to 3, the mount speaks wormhole/1: update the"
            + " mount"
      })
  void whoHasNoVersionInCommonIsToldWhichEndToUpdate(
      int hostOldest, int hostNewest, int oldest, int newest, String reason, String words) {
    ClientHandshake client =
        new ClientHandshake(
            new Versions(oldest, newest), TICKET, SECRET, CLIENT, HOST, READER, RANDOM);
    HostHandshake host =
        new HostHandshake(
            new Versions(hostOldest, hostNewest),
            CODES,
            NOBODY_RETURNS,
            CLIENT,
            SOURCE,
            HOST,
            RANDOM);
    RefusedException refused =
        assertRefused(host, client.createHello().toByteArray(), "REFUSAL_REASON_" + reason, words);
    assertThat(JoinException.of(refused.toMessage()).reason()).isEqualTo(Reason.valueOf(reason));
    assertThat(JoinException.of(refused.toMessage())).hasMessage("the host said: " + words);
  }

  @Test
  void aVersionThatWasNotOfferedIsRefusedByTheClient() {
    for (int version : List.of(0, 2, -1)) {
      Run run = new Run(client(SECRET), host());
      run.onHostHello = hello -> hello.toBuilder().setVersion(version).build();
      assertClientRefuses(run, Reason.PROTOCOL);
    }
  }

  @Property(tries = 30)
  void aPointWithOneBitChangedIsRefusedByWhoeverGetsIt(
      @ForAll @IntRange(max = Spake2.SHARE_BYTES * 8 - 1) int bit) throws Exception {
    byte[] toHost = client(SECRET).createHello().toBuilder().build().getSpakeShare().toByteArray();
    toHost[bit / 8] ^= (byte) (1 << bit % 8);
    assertRefused(
        host(),
        client(SECRET).createHello().toBuilder()
            .setSpakeShare(ByteString.copyFrom(toHost))
            .build()
            .toByteArray(),
        "REFUSAL_REASON_MALFORMED",
        "SPAKE2");

    Run toClient = new Run(client(SECRET), host());
    toClient.onHostHello =
        hello -> {
          byte[] share = hello.getSpakeShare().toByteArray();
          share[bit / 8] ^= (byte) (1 << bit % 8);
          return hello.toBuilder().setSpakeShare(ByteString.copyFrom(share)).build();
        };
    assertClientRefuses(toClient, Reason.PROTOCOL);
  }

  @Test
  void aHelloOutOfItsRangesIsMalformed() {
    ClientHello good = client(SECRET).createHello();
    for (ClientHello bad :
        List.of(
            good.toBuilder().setOldestVersion(0).build(),
            good.toBuilder().setOldestVersion(2).build(),
            good.toBuilder().setNewestVersion(-1).build(),
            good.toBuilder().setSecretKind(SecretKind.SECRET_KIND_UNSPECIFIED).build(),
            good.toBuilder().setSecretKindValue(77).build(),
            good.toBuilder().setNameplate(JoinCode.NAMEPLATES).build(),
            good.toBuilder().setNameplate(-1).build(),
            good.toBuilder().clearSpakeShare().build(),
            good.toBuilder().setSpakeShare(ByteString.copyFrom(new byte[64])).build(),
            good.toBuilder().setSpakeShare(ByteString.copyFrom(new byte[65])).build(),
            ClientHello.getDefaultInstance())) {
      assertRefused(host(), bad.toByteArray(), "REFUSAL_REASON_MALFORMED", "malformed");
    }
  }

  @Property(tries = 300)
  void anyBytesAreRefusedAndNeverAFault(@ForAll @Size(max = 200) byte[] bytes) {
    assertThatThrownBy(() -> host().consumeHello(bytes)).isInstanceOf(RefusedException.class);
    ClientHandshake client = client(SECRET);
    client.createHello();
    assertThatThrownBy(() -> client.consumeHello(bytes)).isInstanceOf(JoinException.class);
  }

  @Property(tries = 50)
  void anyBytesForAConfirmationAreRefusedAndNeverAFault(@ForAll @Size(max = 100) byte[] bytes)
      throws Exception {
    Run run = new Run(client(SECRET), host());
    run.hellos();
    run.client.createConfirm();
    assertThatThrownBy(() -> run.host.consumeConfirm(bytes)).isInstanceOf(RefusedException.class);
    assertThatThrownBy(() -> run.client.consumeConfirm(bytes)).isInstanceOf(JoinException.class);
  }

  @Test
  void aHostsConfirmOutOfItsRangesIsRefused() throws Exception {
    for (UnaryOperator<HostConfirm> change :
        List.<UnaryOperator<HostConfirm>>of(
            confirm -> confirm.toBuilder().clearShareId().build(),
            confirm -> confirm.toBuilder().setShareId(ByteString.copyFrom(new byte[17])).build(),
            confirm -> confirm.toBuilder().clearLaneToken().build(),
            confirm -> confirm.toBuilder().setLaneToken(ByteString.copyFrom(new byte[15])).build(),
            confirm -> confirm.toBuilder().setWritable(true).build(),
            confirm -> confirm.toBuilder().clearLimits().build(),
            confirm ->
                confirm.toBuilder()
                    .setLimits(LIMITS.toBuilder().setRequestsInFlight(-1))
                    .build())) {
      Run run = new Run(client(SECRET), host());
      run.toClientConfirm();
      byte[] changed = change.apply(run.host.createConfirm(LIMITS, TOKEN)).toByteArray();
      JoinException refused =
          catchThrowableOfType(JoinException.class, () -> run.client.consumeConfirm(changed));
      assertThat(refused.reason()).isEqualTo(Reason.PROTOCOL);
    }
  }

  @Test
  void namesOfAPeerAreMadeFitForATerminal() throws Exception {
    Run run = new Run(client(SECRET), host());
    run.hellos();
    ClientConfirm confirm =
        run.client.createConfirm().toBuilder().setDisplayName("-\u001b[2Jlap\u202etop\n").build();
    assertThat(run.host.consumeConfirm(confirm.toByteArray()).displayName())
        .isEqualTo("?[2Jlaptop?");
    byte[] changed =
        run.host.createConfirm(LIMITS, TOKEN).toBuilder()
            .setShareName("../x" + "y".repeat(200))
            .build()
            .toByteArray();
    assertThat(run.client.consumeConfirm(changed).shareName()).startsWith("?xyy").hasSize(128);
  }

  @Test
  void whoHasNoNameIsCalledByTheKey() throws Exception {
    Run run = new Run(client(SECRET), host());
    run.hellos();
    ClientConfirm confirm = run.client.createConfirm().toBuilder().clearDisplayName().build();
    assertThat(run.host.consumeConfirm(confirm.toByteArray()).displayName())
        .isEqualTo(CLIENT.toString().substring(0, 8));
  }

  @Test
  void aCodeThatEndsDuringTheHandshakeOpensNothing() throws Exception {
    LiveCodes codes = TestCodes.of(HOST);
    Issued issued = TestCodes.add(codes, OFFER);
    Run run = new Run(client(issued.code(), READER), host(codes));
    run.hellos();
    codes.removeShare(OFFER.share());
    byte[] confirm = run.client.createConfirm().toByteArray();
    assertThatThrownBy(() -> run.host.consumeConfirm(confirm))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.reason()).isEqualTo(RefusalReason.REFUSAL_REASON_SHARE_ENDED));
  }

  @Test
  void aRefusedHandshakeDoesNotGoOn() {
    HostHandshake host = host();
    assertThatThrownBy(() -> host.consumeHello(new byte[0])).isInstanceOf(RefusedException.class);
    byte[] good = client(SECRET).createHello().toByteArray();
    assertThatThrownBy(() -> host.consumeHello(good)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(host::createHello).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> host.createConfirm(LIMITS, TOKEN))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void theHostsProofIsNotMadeBeforeTheClientsWasRight() throws Exception {
    Run run = new Run(client(OTHER_SECRET), host());
    run.hellos();
    byte[] wrong = run.client.createConfirm().toByteArray();
    assertThatThrownBy(() -> run.host.createConfirm(LIMITS, TOKEN))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> run.host.consumeConfirm(wrong)).isInstanceOf(RefusedException.class);
    assertThatThrownBy(() -> run.host.createConfirm(LIMITS, TOKEN))
        .isInstanceOf(IllegalStateException.class);
  }

  /** Both halves, and what happens to the hellos between them. */
  private static final class Run {
    final ClientHandshake client;
    final HostHandshake host;
    UnaryOperator<ClientHello> onClientHello = UnaryOperator.identity();
    UnaryOperator<HostHello> onHostHello = UnaryOperator.identity();

    Run(ClientHandshake client, HostHandshake host) {
      this.client = client;
      this.host = host;
    }

    void hellos() throws RefusedException, JoinException {
      host.consumeHello(onClientHello.apply(client.createHello()).toByteArray());
      client.consumeHello(onHostHello.apply(host.createHello()).toByteArray());
    }

    Proven toClientConfirm() throws RefusedException, JoinException {
      hellos();
      return host.consumeConfirm(client.createConfirm().toByteArray());
    }

    Given toHostConfirm() throws JoinException {
      return client.consumeConfirm(host.createConfirm(LIMITS, TOKEN).toByteArray());
    }
  }

  private static void assertWrongSecret(Run run) {
    RefusedException refused = catchThrowableOfType(RefusedException.class, run::toClientConfirm);
    assertThat(refused.reason()).isEqualTo(RefusalReason.REFUSAL_REASON_WRONG_SECRET);
    assertThat(JoinException.of(refused.toMessage()).reason()).isEqualTo(Reason.WRONG_SECRET);
  }

  private static RefusedException assertRefused(
      HostHandshake host, byte[] hello, String reason, String words) {
    RefusedException refused =
        catchThrowableOfType(RefusedException.class, () -> host.consumeHello(hello));
    assertThat(refused.reason().name()).isEqualTo(reason);
    assertThat(refused).hasMessageContaining(words);
    return refused;
  }

  private static void assertClientRefuses(Run run, Reason reason) {
    JoinException refused = catchThrowableOfType(JoinException.class, run::hellos);
    assertThat(refused.reason()).isEqualTo(reason);
  }

  private static void assertUnproved(ClientHandshake client, byte[] confirmation) {
    byte[] forged =
        HostConfirm.newBuilder()
            .setConfirmation(ByteString.copyFrom(confirmation))
            .setShareId(ByteString.copyFrom(OFFER.share().bytes()))
            .setLimits(LIMITS)
            .setLaneToken(TOKEN.toByteString())
            .build()
            .toByteArray();
    JoinException refused =
        catchThrowableOfType(JoinException.class, () -> client.consumeConfirm(forged));
    assertThat(refused.reason()).isEqualTo(Reason.HOST_UNPROVED);
  }

  private static ClientHandshake client(PakeSecret secret) {
    return client(secret, READER);
  }

  private static ClientHandshake client(PakeSecret secret, Introduction introduction) {
    return new ClientHandshake(Versions.OURS, TICKET, secret, CLIENT, HOST, introduction, RANDOM);
  }

  private static ClientHandshake client(Invitation invitation, Introduction introduction) {
    return new ClientHandshake(
        Versions.OURS, invitation, PakeSecret.of(invitation), CLIENT, HOST, introduction, RANDOM);
  }

  private static HostHandshake host() {
    return host(CODES);
  }

  private static HostHandshake host(LiveCodes codes) {
    return new HostHandshake(Versions.OURS, codes, NOBODY_RETURNS, CLIENT, SOURCE, HOST, RANDOM);
  }

  private static PinnedPeers noPins() {
    try {
      return PinnedPeers.open(Path.of("/nonexistent"), Clock.systemUTC());
    } catch (IOException unreadable) {
      throw new AssertionError(unreadable);
    }
  }

  private static Issued live() {
    try {
      return TestCodes.add(CODES, OFFER);
    } catch (CodeUnavailableException full) {
      throw new AssertionError(full);
    }
  }

  private static Fingerprint fingerprint(int seed) {
    byte[] bytes = new byte[Fingerprint.BYTES];
    Arrays.fill(bytes, (byte) seed);
    return Fingerprint.of(bytes);
  }
}
