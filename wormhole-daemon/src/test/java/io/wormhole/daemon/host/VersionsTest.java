package io.wormhole.daemon.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class VersionsTest {
  private static final Instant NOW = Instant.ofEpochSecond(1_000_000, 500_000_000);
  private static final Stamp OLD = new Stamp(900_000, 0);
  private static final FileStatus FILE =
      new FileStatus(
          NodeKind.REGULAR, 5, 7, 0644, 1, 100, 8, OLD, OLD, OLD, new Stamp(800_000, 1), 1);

  private final Versions versions = versions(new byte[16], 5);

  @Test
  void youngIsWhatMayChangeUnderTheSameTimes() {
    assertThat(youngAt(-2_000)).isFalse();
    assertThat(youngAt(-1_999)).isTrue();
    assertThat(youngAt(0)).isTrue();
  }

  @Test
  void timesAheadAreYoungForAMinuteAtMost() {
    assertThat(youngAt(59_999)).isTrue();
    assertThat(youngAt(60_000)).isFalse();
    assertThat(versions.young(stamped(OLD, new Stamp(Long.MAX_VALUE, 0)))).isFalse();
    assertThat(versions.young(stamped(OLD, new Stamp(Long.MIN_VALUE, 0)))).isFalse();
  }

  @Test
  void everyPartOfAVersionIsInItsToken() {
    VersionToken token = versions.token(FILE, false);
    assertThat(versions.token(FILE, false)).isEqualTo(token);
    assertThat(VersionToken.of(token.bytes())).isEqualTo(token);
    assertThat(versions.token(FILE, true)).isNotEqualTo(token);
    assertThat(versions.token(stamped(OLD, new Stamp(900_000, 1)), false)).isNotEqualTo(token);
    assertThat(versions.token(stamped(new Stamp(900_001, 0), OLD), false)).isNotEqualTo(token);
    assertThat(versions.token(file(6, 7, 100), false)).isNotEqualTo(token);
    assertThat(versions.token(file(5, 8, 100), false)).isNotEqualTo(token);
    assertThat(versions.token(file(5, 7, 101), false)).isNotEqualTo(token);
    byte[] salt = new byte[16];
    salt[3] = 1;
    assertThat(versions(salt, 5).token(FILE, false)).isNotEqualTo(token);
  }

  @Test
  void readsWaitForTheTickThatStampedTheFile() {
    assertThat(waitAt(-10)).isZero();
    assertThat(waitAt(-4)).isEqualTo(6_000_000);
    assertThat(waitAt(0)).isEqualTo(10_000_000);
    assertThat(waitAt(5_000)).isZero();
  }

  @Test
  void generationIsOfBirthAndSubvolume() {
    long generation = versions.generation(FILE);
    assertThat(versions(new byte[16], 9).generation(file(9, 7, 1))).isEqualTo(generation);
    assertThat(versions.generation(file(6, 7, 100))).isNotEqualTo(generation);
    FileStatus unknown = FileStatus.unknown(NodeKind.REGULAR, FILE, 7);
    assertThat(versions.generation(unknown)).isZero();
  }

  private boolean youngAt(long millisFromNow) {
    Stamp stamp = at(millisFromNow);
    boolean young = versions.young(stamped(OLD, stamp));
    assertThat(versions.young(stamped(stamp, OLD))).isEqualTo(young);
    return young;
  }

  private long waitAt(long millisFromNow) {
    return versions.nanosToNextTick(stamped(OLD, at(millisFromNow)));
  }

  private static Stamp at(long millisFromNow) {
    Instant at = NOW.plusMillis(millisFromNow);
    return new Stamp(at.getEpochSecond(), at.getNano());
  }

  private static FileStatus stamped(Stamp mtime, Stamp ctime) {
    return new FileStatus(
        NodeKind.REGULAR, 5, 7, 0644, 1, 100, 8, mtime, ctime, OLD, FILE.birth(), 1);
  }

  private static FileStatus file(long device, long inode, long size) {
    return new FileStatus(
        NodeKind.REGULAR, device, inode, 0644, 1, size, 8, OLD, OLD, OLD, FILE.birth(), 1);
  }

  private static Versions versions(byte[] salt, long rootDevice) {
    return new Versions(salt, rootDevice, Clock.fixed(NOW, ZoneOffset.UTC));
  }
}
