package io.wormhole.daemon.transport;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.quic.QuicTokenHandler;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The tokens of QUIC's Retry (RFC 9000, section 8.1.2): whoever begins a connection is first made
 * to show that he gets what is sent to his address. Nothing is kept for him until then.
 *
 * <pre>
 * time 8 bytes | HMAC-SHA-256(key, time | port | address | original connection id), 16 bytes of it |
 * original connection id
 * </pre>
 *
 * <p>A token is good for {@link #LIFE}. A key makes tokens for {@link #KEY_LIFE} and is known as
 * long again. Not thread-safe: one for a socket, on its event loop.
 */
final class RetryTokens implements QuicTokenHandler {
  static final Duration LIFE = Duration.ofSeconds(30);
  static final Duration KEY_LIFE = Duration.ofMinutes(2);

  private static final String ALGORITHM = "HmacSHA256";
  private static final int KEY_BYTES = 32;
  private static final int TAG_BYTES = 16;
  private static final int TAG_END = Long.BYTES + TAG_BYTES;
  private static final int INVALID = -1;

  /** RFC 9000, section 17.2. */
  private static final int MAX_CONNECTION_ID_BYTES = 20;

  private static final int MAX_ADDRESS_BYTES = 16;

  private final LongSupplier tickerNanos;
  private final SecureRandom random;
  private final Predicate<InetSocketAddress> room;
  private Mac current;
  private Mac previous;
  private long currentSinceNanos;

  /**
   * @param room whether a connection of this address can be taken now; where it cannot, its packet
   *     is dropped, and the peer sends it again
   */
  RetryTokens(LongSupplier tickerNanos, SecureRandom random, Predicate<InetSocketAddress> room) {
    this.tickerNanos = tickerNanos;
    this.random = random;
    this.room = room;
    this.current = newKey();
    this.previous = newKey();
    this.currentSinceNanos = tickerNanos.getAsLong();
  }

  @Override
  public boolean writeToken(ByteBuf out, ByteBuf connectionId, InetSocketAddress address) {
    long now = rotate();
    byte[] id = bytes(connectionId, 0);
    out.writeLong(now).writeBytes(tag(current, now, address, id), 0, TAG_BYTES).writeBytes(id);
    return true;
  }

  /** Where in the token the original connection id begins, or -1. */
  @Override
  public int validateToken(ByteBuf token, InetSocketAddress address) {
    if (token.readableBytes() < TAG_END || token.readableBytes() > maxTokenLength()) {
      return INVALID;
    }
    long now = rotate();
    long made = token.getLong(token.readerIndex());
    long age = now - made;
    byte[] tag = Arrays.copyOfRange(bytes(token, Long.BYTES), 0, TAG_BYTES);
    byte[] id = bytes(token, TAG_END);
    boolean ours =
        matches(tag, tag(current, made, address, id))
            || matches(tag, tag(previous, made, address, id));
    return ours && age >= 0 && age <= LIFE.toNanos() && room.test(address) ? TAG_END : INVALID;
  }

  @Override
  public int maxTokenLength() {
    return TAG_END + MAX_CONNECTION_ID_BYTES;
  }

  private long rotate() {
    long now = tickerNanos.getAsLong();
    if (now - currentSinceNanos >= KEY_LIFE.toNanos()) {
      previous = current;
      current = newKey();
      currentSinceNanos = now;
    }
    return now;
  }

  private Mac newKey() {
    byte[] key = new byte[KEY_BYTES];
    random.nextBytes(key);
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(key, ALGORITHM));
      return mac;
    } catch (GeneralSecurityException platform) {
      throw new IllegalStateException("this Java has no " + ALGORITHM, platform);
    } finally {
      Arrays.fill(key, (byte) 0);
    }
  }

  private static byte[] tag(Mac mac, long made, InetSocketAddress address, byte[] id) {
    ByteBuffer input =
        ByteBuffer.allocate(Long.BYTES + Short.BYTES + MAX_ADDRESS_BYTES + id.length);
    input.putLong(made).putShort((short) address.getPort());
    // An IPv4 address leaves twelve zeros behind it: the input has one reading.
    input.put(address.getAddress().getAddress());
    input.position(Long.BYTES + Short.BYTES + MAX_ADDRESS_BYTES).put(id);
    return mac.doFinal(input.array());
  }

  private static boolean matches(byte[] tag, byte[] whole) {
    return MessageDigest.isEqual(tag, Arrays.copyOf(whole, TAG_BYTES));
  }

  private static byte[] bytes(ByteBuf buffer, int offset) {
    byte[] bytes = new byte[buffer.readableBytes() - offset];
    buffer.getBytes(buffer.readerIndex() + offset, bytes);
    return bytes;
  }
}
