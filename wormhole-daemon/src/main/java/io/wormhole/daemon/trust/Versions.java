package io.wormhole.daemon.trust;

import io.wormhole.protocol.wire.Limits;

/** The versions of the protocol that a program speaks, both ends included; 1 is the first. */
record Versions(int oldest, int newest) {
  /** Of this program. */
  static final Versions OURS = new Versions(Limits.OLDEST_VERSION, Limits.NEWEST_VERSION);

  /** Past any version there will be: what is larger is no version. */
  private static final int MAX_VERSION = 0xffff;

  Versions {
    if (!valid(oldest, newest)) {
      throw new IllegalArgumentException("versions %d to %d".formatted(oldest, newest));
    }
  }

  /** Whether two numbers from the wire are a range. */
  static boolean valid(int oldest, int newest) {
    return oldest >= 1 && oldest <= newest && newest <= MAX_VERSION;
  }

  boolean contains(int version) {
    return version >= oldest && version <= newest;
  }

  /** {@code wormhole/1}, or {@code wormhole/2 to 3}. */
  @Override
  public String toString() {
    return oldest == newest ? "wormhole/" + oldest : "wormhole/%d to %d".formatted(oldest, newest);
  }
}
