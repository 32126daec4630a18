package io.wormhole.daemon.trust;

import io.wormhole.daemon.trust.LiveCodes.Issued;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.wire.Fingerprint;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;

/** Codes for tests that want no more of them than that they are there. */
final class TestCodes {
  private TestCodes() {}

  static LiveCodes of(Fingerprint host) {
    return new LiveCodes(host, TakenNameplates.NONE, Clock.systemUTC(), new SecureRandom());
  }

  static CodeTerms terms() {
    return new CodeTerms(Optional.empty(), CodeTerms.DEFAULT_LIFE, false, List.of(), reason -> {});
  }

  static CodeTerms chosen(JoinCode code) {
    return new CodeTerms(Optional.of(code), CodeTerms.DEFAULT_LIFE, false, List.of(), reason -> {});
  }

  static CodeTerms once() {
    return new CodeTerms(Optional.empty(), CodeTerms.DEFAULT_LIFE, true, List.of(), reason -> {});
  }

  static Issued add(LiveCodes codes, Offer offer) throws CodeUnavailableException {
    return codes.add(offer, terms());
  }

  /** An address of TEST-NET-1, or whatever the bytes are. */
  static InetSocketAddress address(int... bytes) {
    byte[] literal = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      literal[i] = (byte) bytes[i];
    }
    try {
      return new InetSocketAddress(InetAddress.getByAddress(literal), 4433);
    } catch (UnknownHostException length) {
      throw new AssertionError(length);
    }
  }

  /** Stands until it is told to go. */
  static final class HandClock extends Clock {
    private Instant now = Instant.parse("2026-03-01T12:00:00Z");

    void pass(Duration time) {
      now = now.plus(time);
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      throw new UnsupportedOperationException("one zone");
    }
  }
}
