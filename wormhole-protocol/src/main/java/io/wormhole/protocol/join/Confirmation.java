package io.wormhole.protocol.join;

import java.security.MessageDigest;
import java.util.Arrays;

/**
 * The end of a SPAKE2 attempt: what this side sends to prove that it knows the code, and whether
 * what the other side sends proves the same. Not thread-safe. Closed by whoever finished the
 * attempt.
 */
public final class Confirmation implements AutoCloseable {
  /** Bytes of a confirmation. */
  public static final int BYTES = 32;

  private final byte[] own;
  private final byte[] expected;
  private boolean closed;

  Confirmation(byte[] own, byte[] expected) {
    this.own = own;
    this.expected = expected;
  }

  /**
   * What this side sends, 32 bytes: cA of a client, cB of a host. A copy. A host sends it only
   * after {@link #matches} was true, or it would give a guesser the answer for nothing.
   */
  public byte[] own() {
    requireOpen();
    return own.clone();
  }

  /** Whether the peer knows the code. Takes the same time wherever the bytes differ. */
  public boolean matches(byte[] fromPeer) {
    requireOpen();
    return MessageDigest.isEqual(expected, fromPeer);
  }

  /** Wipes it; afterwards nothing matches. Does nothing the second time. */
  @Override
  public void close() {
    closed = true;
    Arrays.fill(own, (byte) 0);
    Arrays.fill(expected, (byte) 0);
  }

  // Wiped bytes would be a confirmation that anybody can send.
  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the confirmation was wiped");
    }
  }
}
