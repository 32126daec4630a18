package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class RetryTokensTest {
  private static final InetSocketAddress PEER = new InetSocketAddress("192.0.2.1", 4000);
  private static final byte[] ID = {1, 2, 3, 4, 5, 6, 7, 8};

  private final AtomicLong nowNanos = new AtomicLong(Long.MAX_VALUE - 5);
  private final AtomicBoolean room = new AtomicBoolean(true);
  private final RetryTokens tokens =
      new RetryTokens(nowNanos::get, new SecureRandom(), peer -> room.get());

  @Test
  void aTokenIsTakenFromItsAddressAndEndsWithTheConnectionId() {
    ByteBuf token = token(PEER);
    assertThat(token.readableBytes()).isLessThanOrEqualTo(tokens.maxTokenLength());
    int offset = tokens.validateToken(token, PEER);
    byte[] id = new byte[token.readableBytes() - offset];
    token.getBytes(offset, id);
    assertThat(id).isEqualTo(ID);
    assertThat(token.readerIndex()).isZero();
  }

  @Test
  void aTokenIsOfNoUseElsewhere() {
    ByteBuf token = token(PEER);
    for (InetSocketAddress other :
        new InetSocketAddress[] {
          new InetSocketAddress("192.0.2.2", 4000),
          new InetSocketAddress("192.0.2.1", 4001),
          new InetSocketAddress("2001:db8::1", 4000)
        }) {
      assertThat(tokens.validateToken(token, other)).isNegative();
    }
    InetSocketAddress six = new InetSocketAddress("2001:db8::1", 4000);
    assertThat(tokens.validateToken(token(six), six)).isPositive();
  }

  @Test
  void aTokenIsGoodForHalfAMinuteAlsoWhenTheKeyTurns() {
    for (Duration before : new Duration[] {Duration.ZERO, RetryTokens.KEY_LIFE.minusSeconds(1)}) {
      nowNanos.addAndGet(before.toNanos());
      ByteBuf token = token(PEER);
      nowNanos.addAndGet(RetryTokens.LIFE.toNanos());
      assertThat(tokens.validateToken(token, PEER)).isPositive();
      nowNanos.incrementAndGet();
      assertThat(tokens.validateToken(token, PEER)).isNegative();
    }
  }

  @Test
  void aTokenOfAnotherHostOrOfKeysLongGoneIsNone() {
    ByteBuf token = token(PEER);
    RetryTokens others = new RetryTokens(nowNanos::get, new SecureRandom(), peer -> true);
    assertThat(others.validateToken(token, PEER)).isNegative();
    long made = nowNanos.get();
    for (int i = 0; i < 2; i++) {
      nowNanos.addAndGet(RetryTokens.KEY_LIFE.toNanos());
      token(PEER);
    }
    nowNanos.set(made);
    assertThat(tokens.validateToken(token, PEER)).isNegative();
  }

  @Test
  void whereThereIsNoRoomNoTokenOpens() {
    ByteBuf token = token(PEER);
    room.set(false);
    assertThat(tokens.validateToken(token, PEER)).isNegative();
    room.set(true);
    assertThat(tokens.validateToken(token, PEER)).isPositive();
  }

  @Test
  void everyBitCounts() {
    ByteBuf token = token(PEER);
    for (int bit = 0; bit < token.readableBytes() * 8; bit++) {
      token.setByte(bit / 8, token.getByte(bit / 8) ^ (1 << (bit % 8)));
      assertThat(tokens.validateToken(token, PEER)).as("bit %d", bit).isNegative();
      token.setByte(bit / 8, token.getByte(bit / 8) ^ (1 << (bit % 8)));
    }
    assertThat(tokens.validateToken(token, PEER)).isPositive();
  }

  @Property(tries = 500)
  void anyBytesAreNoTokenAndNeverAFault(@ForAll @Size(max = 100) byte[] bytes) {
    RetryTokens any = new RetryTokens(() -> 0, new SecureRandom(), peer -> true);
    assertThat(any.validateToken(Unpooled.wrappedBuffer(bytes), PEER)).isNegative();
  }

  private ByteBuf token(InetSocketAddress peer) {
    ByteBuf token = Unpooled.buffer(tokens.maxTokenLength());
    ByteBuf id = Unpooled.wrappedBuffer(ID);
    assertThat(tokens.writeToken(token, id, peer)).isTrue();
    assertThat(id.readableBytes()).isEqualTo(ID.length);
    return token;
  }
}
