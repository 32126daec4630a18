package io.wormhole.daemon.host;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Instant;

/**
 * Names the versions of a share's files: a hash over device, inode, size, mtime, ctime and whether
 * the version is young, with the share's salt, so that a token tells a peer nothing and outlives a
 * restart.
 *
 * <p><b>Young.</b> File systems stamp times in ticks, up to 2 s (FAT), so two writes can leave one
 * stamp. A version is young while its mtime or ctime is less than 2 s old: it may still become
 * other bytes under the same times. Young is part of the token, so once it has aged it is asked for
 * again. A time ahead of this clock is young too if it is ahead by less than a minute: a file
 * server's clock may be, and its files then age when this clock gets there. A time further ahead is
 * not: somebody set it, or a clock was wrong when it was written, and the next write brings another
 * time.
 */
final class Versions {
  private static final long YOUNG_NANOS = 2_000_000_000L;
  private static final long AHEAD_NANOS = 60_000_000_000L;

  /** The longest tick of a kernel's clock, at 100 a second. */
  private static final long TICK_NANOS = 10_000_000L;

  private static final int HASHED_BYTES = 6 * Long.BYTES + 2 * Integer.BYTES + 1;

  private final byte[] salt;
  private final long rootDevice;
  private final Clock clock;

  /**
   * @param salt the share's, secret
   * @param rootDevice where the shared folder stands
   * @param clock the one that stamps the files
   */
  Versions(byte[] salt, long rootDevice, Clock clock) {
    this.salt = salt.clone();
    this.rootDevice = rootDevice;
    this.clock = clock;
  }

  /** Whether the bytes may change without another time. */
  boolean young(FileStatus file) {
    Instant now = clock.instant();
    return young(file.mtime(), now) || young(file.ctime(), now);
  }

  /**
   * The token of a version.
   *
   * @param young of {@link #young}
   */
  VersionToken token(FileStatus file, boolean young) {
    ByteBuffer hashed =
        ByteBuffer.allocate(HASHED_BYTES)
            .putLong(file.device())
            .putLong(file.inode())
            .putLong(file.size())
            .putLong(file.mtime().seconds())
            .putInt(file.mtime().nanos())
            .putLong(file.ctime().seconds())
            .putInt(file.ctime().nanos())
            .put((byte) (young ? 1 : 0));
    MessageDigest digest = sha256();
    digest.update(salt);
    ByteBuffer hash = ByteBuffer.wrap(digest.digest(hashed.array()));
    return new VersionToken(hash.getLong(), hash.getLong());
  }

  /**
   * How long to wait until a write would leave another stamp than the one that is there, in
   * nanoseconds; 0 when it would already. At most one tick.
   */
  long nanosToNextTick(FileStatus file) {
    Instant now = clock.instant();
    long age = Math.min(age(file.mtime(), now), age(file.ctime(), now));
    return age < 0 || age >= TICK_NANOS ? 0 : TICK_NANOS - age;
  }

  /** A number that differs when an inode number is used again; 0 where births are not known. */
  long generation(FileStatus file) {
    if (file.birth().equals(Stamp.NONE)) {
      return 0;
    }
    // Two file systems behind one mount (subvolumes) have equal inode numbers.
    long device = FileStatus.mix(file.device() - rootDevice);
    return FileStatus.mix(FileStatus.mix(device + file.birth().seconds()) + file.birth().nanos());
  }

  private static boolean young(Stamp stamp, Instant now) {
    long age = age(stamp, now);
    return age < YOUNG_NANOS && age > -AHEAD_NANOS;
  }

  /** Nanoseconds from a stamp to now; what does not fit is the largest of its sign. */
  private static long age(Stamp stamp, Instant now) {
    long seconds = now.getEpochSecond() - stamp.seconds();
    if (Math.abs(seconds) > Integer.MAX_VALUE) {
      return seconds < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
    }
    return seconds * 1_000_000_000L + now.getNano() - stamp.nanos();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException absent) {
      throw new IllegalStateException("every Java platform has SHA-256", absent);
    }
  }
}
