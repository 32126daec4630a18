package io.wormhole.protocol.hash;

import java.util.Random;

/** Bytes to hash. */
final class Samples {
  private Samples() {}

  static byte[] bytes(int count, long seed) {
    byte[] bytes = new byte[count];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
