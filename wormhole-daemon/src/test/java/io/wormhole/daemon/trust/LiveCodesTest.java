package io.wormhole.daemon.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.trust.LiveCodes.Attempt;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.wire.ShareId;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class LiveCodesTest {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Offer photos = new Offer(ShareId.random(RANDOM), "photos", false);
  private final Offer films = new Offer(ShareId.random(RANDOM), "films", true);
  private final LiveCodes codes = new LiveCodes(RANDOM);

  @Test
  void aShareMayHaveSeveralCodesAndLosesThemAllAtOnce() throws CodeUnavailableException {
    JoinCode first = codes.add(photos);
    JoinCode second = codes.add(photos);
    JoinCode another = codes.add(films);
    assertThat(offer(first)).isEqualTo(photos);
    assertThat(offer(second)).isEqualTo(photos);
    assertThat(offer(another)).isEqualTo(films);

    codes.removeShare(photos.share());
    assertThat(codes.has(first.nameplate())).isFalse();
    assertThat(codes.begin(second.nameplate())).isEmpty();
    assertThat(offer(another)).isEqualTo(films);
  }

  @Test
  void oneCodeEndsWithoutTheOthers() throws CodeUnavailableException {
    JoinCode first = codes.add(photos);
    JoinCode second = codes.add(photos);
    codes.remove(first);
    assertThat(codes.has(first.nameplate())).isFalse();
    assertThat(codes.has(second.nameplate())).isTrue();
  }

  @Test
  void aNameplateInUseIsNotDrawnAgain() throws CodeUnavailableException {
    byte[] same = new byte[JoinCode.SYMBOLS];
    byte[] other = new byte[JoinCode.SYMBOLS];
    Arrays.fill(other, (byte) 1);
    LiveCodes drawing = new LiveCodes(new Drawing(List.of(same, same, same, other)));
    JoinCode first = drawing.add(photos);
    JoinCode second = drawing.add(photos);
    assertThat(first.nameplate()).isZero();
    assertThat(second.nameplate()).isNotZero();
  }

  @Test
  void aChosenCodeWhoseNameplateIsInUseIsRefusedWithoutItsSecret() throws CodeUnavailableException {
    JoinCode code = JoinCode.generate(RANDOM);
    codes.add(photos, code);
    assertThatThrownBy(() -> codes.add(films, code))
        .isInstanceOf(CodeUnavailableException.class)
        .hasMessageContaining(code.masked());
    assertThat(offer(code)).isEqualTo(photos);
  }

  @Test
  void anAttemptOutlivesItsCodeButIsNoLongerLive() throws CodeUnavailableException {
    JoinCode code = codes.add(photos);
    try (Attempt attempt = codes.begin(code.nameplate()).orElseThrow()) {
      assertThat(codes.isLive(attempt)).isTrue();
      codes.remove(code);
      assertThat(codes.isLive(attempt)).isFalse();
      attempt.secret().copy().close();
      codes.add(photos, code);
      assertThat(codes.isLive(attempt)).isFalse();
    }
  }

  private Offer offer(JoinCode code) {
    try (Attempt attempt = codes.begin(code.nameplate()).orElseThrow()) {
      return attempt.offer();
    }
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
