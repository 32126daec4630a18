package io.wormhole.daemon.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.management.ThreadMXBean;
import io.wormhole.daemon.transport.SourcePrefix;
import io.wormhole.daemon.trust.LiveCodes.Attempt;
import io.wormhole.daemon.trust.LiveCodes.Issued;
import io.wormhole.daemon.trust.TestCodes.HandClock;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.PakeSecret;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import io.wormhole.protocol.wire.message.RefusalReason;
import java.lang.management.ManagementFactory;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LiveCodesTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final Fingerprint SELF = Fingerprint.of(new byte[Fingerprint.BYTES]);
  private static final Fingerprint PEER = SELF;
  private static final SourcePrefix HERE = new SourcePrefix(1, false);

  private final Offer photos = new Offer(ShareId.random(RANDOM), "photos", false);
  private final Offer films = new Offer(ShareId.random(RANDOM), "films", true);
  private final HandClock clock = new HandClock();
  private final Set<Integer> elsewhere = new HashSet<>();
  private final LiveCodes codes = new LiveCodes(SELF, elsewhere::contains, clock, RANDOM);
  private final List<String> told = new ArrayList<>();

  @Test
  void aShareMayHaveSeveralCodesAndLosesThemAllAtOnce() throws Exception {
    JoinCode first = TestCodes.add(codes, photos).code();
    JoinCode second = TestCodes.add(codes, photos).code();
    JoinCode another = TestCodes.add(codes, films).code();
    assertThat(offer(first)).isEqualTo(photos);
    assertThat(offer(second)).isEqualTo(photos);
    assertThat(offer(another)).isEqualTo(films);

    codes.removeShare(photos.share());
    assertThat(codes.has(first.nameplate())).isFalse();
    assertThat(refusal(second, false)).isEqualTo(RefusalReason.REFUSAL_REASON_UNKNOWN_CODE);
    assertThat(offer(another)).isEqualTo(films);
  }

  @Test
  void oneCodeEndsWithoutTheOthers() throws Exception {
    JoinCode first = TestCodes.add(codes, photos).code();
    JoinCode second = TestCodes.add(codes, photos).code();
    codes.remove(first);
    assertThat(codes.has(first.nameplate())).isFalse();
    assertThat(codes.has(second.nameplate())).isTrue();
  }

  @Test
  void aTicketComesWithEachCodeAndIsStretchedByItself() throws Exception {
    CodeTerms terms =
        new CodeTerms(
            Optional.empty(),
            Duration.ofHours(1),
            false,
            List.of(TestCodes.address(192, 0, 2, 1)),
            told::add);
    Issued issued = codes.add(photos, terms);
    assertThat(issued.ticket().nameplate()).isEqualTo(issued.code().nameplate());
    assertThat(issued.ticket().host()).isEqualTo(SELF);
    assertThat(issued.ticket().share()).isEqualTo(photos.share());
    assertThat(issued.ticket().addresses()).containsExactly(TestCodes.address(192, 0, 2, 1));
    assertThat(issued.expiresAt()).isEqualTo(clock.instant().plus(Duration.ofHours(1)));
    try (Attempt byCode = codes.begin(issued.code().nameplate(), false, HERE);
        Attempt byTicket = codes.begin(issued.code().nameplate(), true, HERE)) {
      assertThat(byTicket.offer()).isEqualTo(byCode.offer()).isEqualTo(photos);
      assertThat(byCode.secret()).isNotSameAs(byTicket.secret());
    }
  }

  @Test
  void aNameplateInUseHereOrNearIsNotDrawn() throws Exception {
    List<byte[]> draws = new ArrayList<>();
    for (int value : new int[] {0, 0, 1, 2}) {
      byte[] code = new byte[JoinCode.SYMBOLS];
      Arrays.fill(code, (byte) value);
      draws.add(code);
    }
    draws.add(1, new byte[16]);
    draws.add(new byte[16]);
    int oneOneOneOne = 0b00001_00001_00001_00001;
    elsewhere.add(oneOneOneOne);
    LiveCodes drawing = new LiveCodes(SELF, elsewhere::contains, clock, new Drawing(draws));
    assertThat(TestCodes.add(drawing, photos).code().nameplate()).isZero();
    assertThat(TestCodes.add(drawing, photos).code().format()).startsWith("2222-");
  }

  @Test
  void whereEveryNameplateIsTakenNoCodeIsMade() {
    LiveCodes crowded = new LiveCodes(SELF, nameplate -> true, clock, RANDOM);
    assertThatThrownBy(() -> TestCodes.add(crowded, photos))
        .isInstanceOf(CodeUnavailableException.class);
  }

  @Test
  void aChosenCodeThatIsInUseHereOrNearIsRefusedWithoutItsSecret() throws Exception {
    JoinCode code = JoinCode.generate(RANDOM);
    assertThat(codes.add(photos, TestCodes.chosen(code)).code()).isEqualTo(code);
    for (JoinCode again : List.of(code, near())) {
      assertThatThrownBy(() -> codes.add(films, TestCodes.chosen(again)))
          .isInstanceOf(CodeUnavailableException.class)
          .hasMessageContaining(again.masked());
    }
    assertThat(offer(code)).isEqualTo(photos);
  }

  private JoinCode near() {
    JoinCode near = JoinCode.generate(RANDOM);
    elsewhere.add(near.nameplate());
    return near;
  }

  @Test
  void anAttemptOutlivesItsCodeButIsNoLongerLive() throws Exception {
    JoinCode code = TestCodes.add(codes, photos).code();
    try (Attempt attempt = codes.begin(code.nameplate(), false, HERE)) {
      attempt.requireLive();
      codes.remove(code);
      attempt.secret().copy().close();
      codes.add(photos, TestCodes.chosen(code));
      for (RefusedException refused :
          List.of(
              catchThrowableOfType(RefusedException.class, attempt::requireLive),
              catchThrowableOfType(RefusedException.class, () -> attempt.admit(PEER)))) {
        assertThat(refused.reason()).isEqualTo(RefusalReason.REFUSAL_REASON_SHARE_ENDED);
      }
    }
  }

  @Test
  void codeAndTicketEndWhenTheirTimeIsOver() throws Exception {
    Issued issued = codes.add(photos, terms(Duration.ofMinutes(30), false));
    Issued later = codes.add(photos, terms(Duration.ofMinutes(31), false));
    assertThat(codes.liveUntil(photos.share())).contains(later.expiresAt());
    Attempt begun = codes.begin(issued.code().nameplate(), true, HERE);
    clock.pass(Duration.ofMinutes(30).minusSeconds(1));
    codes.expire();
    assertThat(codes.has(issued.code().nameplate())).isTrue();
    assertThat(told).isEmpty();

    clock.pass(Duration.ofSeconds(1));
    for (boolean byTicket : new boolean[] {false, true}) {
      RefusedException refused = refused(issued.code(), byTicket);
      assertThat(refused.reason()).isEqualTo(RefusalReason.REFUSAL_REASON_UNKNOWN_CODE);
      assertThat(refused).hasMessageContaining("expired");
    }
    assertThatThrownBy(() -> begun.admit(PEER)).isInstanceOf(RefusedException.class);
    begun.close();
    assertThat(codes.has(issued.code().nameplate())).isFalse();
    assertThat(told)
        .containsExactly("the code " + issued.code().masked() + " has ended: it has expired");
    clock.pass(Duration.ofMinutes(1));
    codes.expire();
    codes.expire();
    assertThat(told).hasSize(2);
    assertThat(codes.liveUntil(photos.share())).isEmpty();
  }

  @Test
  void whoProvedACodeBeforeItExpiredIsLetIn() throws Exception {
    Issued issued = codes.add(photos, terms(Duration.ofMinutes(30), false));
    try (Attempt attempt = codes.begin(issued.code().nameplate(), false, HERE)) {
      attempt.admit(PEER);
      clock.pass(Duration.ofHours(1));
      codes.expire();
      attempt.requireLive();
      codes.removeShare(photos.share());
      assertThatThrownBy(attempt::requireLive).isInstanceOf(RefusedException.class);
    }
  }

  @Test
  void aCodeForOneUseLetsExactlyOneInByCodeOrTicket() throws Exception {
    Issued issued = codes.add(photos, terms(Duration.ofHours(1), true));
    int nameplate = issued.code().nameplate();
    int tries = 8;
    CountDownLatch start = new CountDownLatch(1);
    try (ExecutorService executor = Executors.newFixedThreadPool(tries)) {
      List<Future<Boolean>> outcomes = new ArrayList<>();
      for (int i = 0; i < tries; i++) {
        Attempt attempt = codes.begin(nameplate, i % 2 == 0, new SourcePrefix(i, false));
        outcomes.add(executor.submit(admission(attempt, start)));
      }
      start.countDown();
      int in = 0;
      for (Future<Boolean> outcome : outcomes) {
        in += outcome.get(20, TimeUnit.SECONDS) ? 1 : 0;
      }
      assertThat(in).isEqualTo(1);
    }
    assertThat(codes.has(nameplate)).isFalse();
    RefusedException refused = refused(issued.code(), false);
    assertThat(refused.reason()).isEqualTo(RefusalReason.REFUSAL_REASON_UNKNOWN_CODE);
    assertThat(refused).hasMessageContaining("used up");
    assertThat(told)
        .containsExactly(
            "the code "
                + issued.code().masked()
                + " has ended: it was good for one use, and was used");
  }

  private static Callable<Boolean> admission(Attempt attempt, CountDownLatch start) {
    return () -> {
      try (attempt) {
        start.await();
        attempt.admit(PEER);
        attempt.requireLive();
        return true;
      } catch (RefusedException late) {
        return false;
      }
    };
  }

  @Test
  void theEndOfAShareIsSeenByWhoUsedItsCodeUp() throws Exception {
    Issued issued = codes.add(photos, terms(Duration.ofHours(1), true));
    try (Attempt attempt = codes.begin(issued.code().nameplate(), false, HERE)) {
      attempt.admit(PEER);
      attempt.requireLive();
      codes.removeShare(photos.share());
      assertThatThrownBy(attempt::requireLive).isInstanceOf(RefusedException.class);
    }
  }

  @Test
  void aWrongGuessDoesNotUseACodeUp() throws Exception {
    Issued issued = codes.add(photos, terms(Duration.ofHours(1), true));
    codes.begin(issued.code().nameplate(), false, HERE).close();
    codes.begin(issued.code().nameplate(), true, HERE).close();
    try (Attempt attempt = codes.begin(issued.code().nameplate(), false, HERE)) {
      attempt.admit(PEER);
    }
  }

  @Test
  void guessesAreTakenBeforeAnAnswerAndComeBackWhenTheyAreRight() throws Exception {
    JoinCode code = TestCodes.add(codes, photos).code();
    Attempt first = codes.begin(code.nameplate(), false, HERE);
    Attempt second = codes.begin(code.nameplate(), false, HERE);
    Attempt third = codes.begin(code.nameplate(), false, HERE);
    assertThat(refusal(code, false)).isEqualTo(RefusalReason.REFUSAL_REASON_TOO_MANY_GUESSES);
    first.admit(PEER);
    first.close();
    second.forgive();
    second.close();
    third.close();
    for (int i = 0; i < 50; i++) {
      try (Attempt right = codes.begin(code.nameplate(), false, HERE)) {
        right.admit(PEER);
      }
    }
    assertThat(codes.begin(code.nameplate(), false, new SourcePrefix(2, true))).isNotNull();
  }

  @Test
  void aCodeGuessedAtTooOftenIsDeadForGoodAndItsTicketIsNot() throws Exception {
    Issued issued = codes.add(photos, terms(Duration.ofDays(7), false));
    int nameplate = issued.code().nameplate();
    for (int i = 0; i < Guesses.WRONG_ALLOWED; i++) {
      assertThat(told).isEmpty();
      codes.begin(nameplate, false, new SourcePrefix(i, false)).close();
      clock.pass(Guesses.REFILL);
    }
    assertThat(refusal(issued.code(), false)).isEqualTo(RefusalReason.REFUSAL_REASON_CODE_DEAD);
    assertThat(told)
        .singleElement()
        .asString()
        .contains(issued.code().masked(), "100 times")
        .doesNotContain(issued.code().format());
    clock.pass(Duration.ofDays(1));
    assertThat(refusal(issued.code(), false)).isEqualTo(RefusalReason.REFUSAL_REASON_CODE_DEAD);
    try (Attempt byTicket = codes.begin(nameplate, true, HERE)) {
      byTicket.admit(PEER);
      byTicket.requireLive();
    }
    codes.remove(issued.code());
    assertThat(refusal(issued.code(), false)).isEqualTo(RefusalReason.REFUSAL_REASON_UNKNOWN_CODE);
  }

  @Test
  void codesThatAPeerHasProvedEndWithItsGrant() throws Exception {
    Issued proved = codes.add(photos, terms(Duration.ofHours(1), false));
    Issued other = codes.add(photos, terms(Duration.ofHours(1), false));
    try (Attempt attempt = codes.begin(proved.code().nameplate(), true, HERE)) {
      attempt.admit(PEER);
      codes.removeKnownTo(PEER);
      assertThatThrownBy(attempt::requireLive).isInstanceOf(RefusedException.class);
    }
    assertThat(codes.has(proved.code().nameplate())).isFalse();
    assertThat(codes.has(other.code().nameplate())).isTrue();
    assertThat(told)
        .containsExactly(
            "the code "
                + proved.code().masked()
                + " has ended: a peer that has used it was sent away");
  }

  @Test
  void aCodeForOneUseEndsWithTheGrantOfWhoIsUsingIt() throws Exception {
    Issued once = codes.add(photos, terms(Duration.ofHours(1), true));
    try (Attempt attempt = codes.begin(once.code().nameplate(), true, HERE)) {
      attempt.admit(PEER);
      attempt.requireLive();
      codes.removeKnownTo(PEER);
      assertThatThrownBy(attempt::requireLive).isInstanceOf(RefusedException.class);
    }
    assertThat(told).singleElement().asString().contains("was used");
  }

  @Test
  void aCodeIsUsedUpByAsManyKeysAsAreRemembered() throws Exception {
    Issued issued = codes.add(photos, terms(Duration.ofHours(1), false));
    int nameplate = issued.code().nameplate();
    for (int key = 0; key < LiveCode.MOST_PEERS; key++) {
      assertThat(codes.has(nameplate)).isTrue();
      byte[] bytes = new byte[Fingerprint.BYTES];
      java.nio.ByteBuffer.wrap(bytes).putInt(key);
      try (Attempt attempt = codes.begin(nameplate, true, HERE)) {
        attempt.admit(Fingerprint.of(bytes));
        attempt.requireLive();
      }
    }
    assertThat(refusal(issued.code(), true)).isEqualTo(RefusalReason.REFUSAL_REASON_UNKNOWN_CODE);
    assertThat(told).singleElement().asString().contains("1024 peers have used it");
  }

  @Test
  void aTicketIsNotCountedAsAGuess() throws Exception {
    JoinCode code = TestCodes.add(codes, photos).code();
    for (int i = 0; i < 2 * Guesses.WRONG_ALLOWED; i++) {
      codes.begin(code.nameplate(), true, HERE).close();
    }
    assertThat(offer(code)).isEqualTo(photos);
  }

  @Test
  void anAttemptStretchesNothing() throws Exception {
    JoinCode code = TestCodes.add(codes, photos).code();
    PakeSecret kept;
    try (Attempt attempt = codes.begin(code.nameplate(), false, HERE)) {
      kept = attempt.secret().copy();
      attempt.forgive();
    }
    // 19 MiB each, if it did.
    long before = allocated();
    for (int i = 0; i < 20; i++) {
      try (Attempt attempt = codes.begin(code.nameplate(), i % 2 == 0, HERE)) {
        attempt.forgive();
      }
    }
    assertThat(allocated() - before).isLessThan(19L << 20);
    kept.close();
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }

  private CodeTerms terms(Duration life, boolean once) {
    return new CodeTerms(Optional.empty(), life, once, List.of(), told::add);
  }

  private Offer offer(JoinCode code) throws RefusedException {
    try (Attempt attempt = codes.begin(code.nameplate(), false, HERE)) {
      attempt.forgive();
      return attempt.offer();
    }
  }

  private RefusalReason refusal(JoinCode code, boolean byTicket) {
    return refused(code, byTicket).reason();
  }

  private RefusedException refused(JoinCode code, boolean byTicket) {
    RefusedException refused =
        catchThrowableOfType(
            RefusedException.class, () -> codes.begin(code.nameplate(), byTicket, HERE));
    assertThat(refused).isNotNull();
    return refused;
  }

  /** Draws what a test has laid out. */
  private static final class Drawing extends SecureRandom {
    private static final long serialVersionUID = 1L;

    private final transient Queue<byte[]> draws;

    Drawing(List<byte[]> draws) {
      this.draws = new ArrayDeque<>(draws);
    }

    @Override
    public void nextBytes(byte[] bytes) {
      byte[] draw = draws.remove();
      System.arraycopy(draw, 0, bytes, 0, bytes.length);
    }
  }
}
