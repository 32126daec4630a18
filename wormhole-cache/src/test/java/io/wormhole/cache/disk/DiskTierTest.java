package io.wormhole.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.cache.disk.DiskTier.Found;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskTierTest {
  private static final Blake3 BLAKE3 = Blake3.plain();
  private static final int CHUNK = 128 << 10;

  @TempDir Path home;
  private Path folder;
  private DiskTier tier;

  @BeforeEach
  void open() throws Exception {
    folder = home.resolve("l2");
    tier = opened(64 << 20);
  }

  @AfterEach
  void close() throws Exception {
    tier.close();
  }

  private DiskTier opened(long limit) throws IOException {
    return DiskTier.open(folder, limit, 0, BLAKE3, Clock.systemUTC());
  }

  /** What a killed process leaves: the files as they are, and nothing that says all is well. */
  private void killed() throws IOException {
    tier.flush();
    Path copy = home.resolve("copy");
    Files.createDirectory(copy);
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    tier.close();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    try (Stream<Path> files = Files.list(copy)) {
      for (Path file : files.toList()) {
        Files.move(file, folder.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private static byte[] bytes(long seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static ChunkHash hash(byte[] bytes) {
    return BLAKE3.hash(MemorySegment.ofArray(bytes)).hash();
  }

  private void put(PageKey page, int index, byte[] bytes) {
    tier.put(page, index, false, hash(bytes), MemorySegment.ofArray(bytes));
  }

  private static PageKey page(long number) {
    return new PageKey(number, ~number);
  }

  private void assertHolds(PageKey page, int index, byte[] bytes) {
    byte[] read = new byte[CHUNK];
    Optional<Found> found = tier.read(page, index, MemorySegment.ofArray(read));
    assertThat(found).contains(new Found(bytes.length, hash(bytes)));
    assertThat(Arrays.copyOf(read, bytes.length)).isEqualTo(bytes);
  }

  private boolean holds(PageKey page, int index) {
    return tier.read(page, index, MemorySegment.ofArray(new byte[CHUNK])).isPresent();
  }

  @Test
  void whatWasPutIsThere() {
    put(page(1), 0, bytes(1, CHUNK));
    put(page(1), 1, bytes(2, 100));
    put(page(2), 511, bytes(3, 16 << 10));
    assertHolds(page(1), 0, bytes(1, CHUNK));
    assertHolds(page(1), 1, bytes(2, 100));
    assertHolds(page(2), 511, bytes(3, 16 << 10));
    assertThat(holds(page(1), 2)).isFalse();
    assertThat(holds(page(3), 0)).isFalse();
  }

  @Test
  void whatWasPutIsThereAfterARestart() throws Exception {
    put(page(1), 7, bytes(1, CHUNK));
    tier.put(page(2), 0, true, hash(bytes(2, 99)), MemorySegment.ofArray(bytes(2, 99)));
    tier.close();
    tier = opened(64 << 20);
    assertHolds(page(1), 7, bytes(1, CHUNK));
    assertHolds(page(2), 0, bytes(2, 99));
  }

  @Test
  void whatWasPutIsThereAfterAKill() throws Exception {
    put(page(1), 7, bytes(1, CHUNK));
    tier.put(page(2), 0, true, hash(bytes(2, 99)), MemorySegment.ofArray(bytes(2, 99)));
    killed();
    tier = opened(64 << 20);
    assertHolds(page(1), 7, bytes(1, CHUNK));
    assertHolds(page(2), 0, bytes(2, 99));
    assertThat(tier.stats().contents()).isEqualTo(3);
  }

  @Test
  void theTwoLastVersionsOfAFileAreKnown() throws Exception {
    PageKey file = new PageKey(70, 71);
    assertThat(tier.mayHoldOther(file, 1, 2)).isFalse();
    assertThat(tier.lastVersions(file)).isEmpty();
    tier.noteVersion(file, 1, 2);
    assertThat(tier.lastVersions(file).orElseThrow().otherThan(1, 2)).isEmpty();
    assertThat(tier.mayHoldOther(file, 1, 2)).isFalse();
    tier.noteVersion(file, 3, 4);
    assertThat(tier.mayHoldOther(file, 3, 4)).isTrue();
    tier.noteVersion(file, 3, 4);
    killed();
    tier = opened(64 << 20);
    LastVersions last = tier.lastVersions(file).orElseThrow();
    assertThat(last.otherThan(3, 4)).contains(new LastVersions.Version(1, 2));
    assertThat(last.otherThan(5, 6)).contains(new LastVersions.Version(3, 4));
    assertThat(tier.hashOf(file, 0)).isEmpty();
    assertThat(tier.collect()).isZero();
    assertThat(tier.mayHoldOther(file, 3, 4)).isTrue();
  }

  @Test
  void whatIsNotThereIsKnownWithoutTheDiskOnceItsPageIsInMemory() throws Exception {
    assertThat(tier.mayHold(page(5), 7)).isFalse();
    put(page(5), 7, bytes(5, CHUNK));
    assertThat(tier.mayHold(page(5), 7)).isTrue();
    assertThat(tier.mayHold(page(5), 8)).isFalse();
    killed();
    tier = opened(64 << 20);
    // Nobody has looked.
    assertThat(tier.mayHold(page(5), 8)).isTrue();
    assertThat(tier.hashOf(page(5), 8)).isEmpty();
    assertThat(tier.mayHold(page(5), 8)).isFalse();
    tier.clear();
    assertThat(tier.mayHold(page(5), 7)).isFalse();
  }

  @Test
  void equalContentIsStoredOnce() {
    byte[] same = bytes(1, CHUNK);
    for (int i = 0; i < 10; i++) {
      put(page(i), i, same);
    }
    assertThat(tier.stats().contents()).isEqualTo(1);
    put(page(3), 3, same);
    assertThat(tier.stats().shared()).isEqualTo(9);
    for (int i = 0; i < 10; i++) {
      assertHolds(page(i), i, same);
    }
  }

  @Test
  void changedBytesAreNeverGivenAndAreDropped() throws Exception {
    put(page(1), 0, bytes(1, CHUNK));
    try (RandomAccessFile slab =
        new RandomAccessFile(folder.resolve("large.slab").toFile(), "rw")) {
      slab.seek(70_000);
      slab.write(slab.read() ^ 1);
    }
    assertThat(tier.hashOf(page(1), 0)).contains(hash(bytes(1, CHUNK)));
    assertThat(holds(page(1), 0)).isFalse();
    assertThat(tier.hashOf(page(1), 0)).isEmpty();
    assertThat(tier.stats().corrupt()).isEqualTo(1);
    assertThat(tier.stats().contents()).isZero();
    put(page(1), 0, bytes(1, CHUNK));
    assertHolds(page(1), 0, bytes(1, CHUNK));
  }

  @Test
  void truncatedSlabIsSurvived() throws Exception {
    for (int i = 0; i < 50; i++) {
      put(page(1), i, bytes(i, CHUNK));
    }
    try (RandomAccessFile slab =
        new RandomAccessFile(folder.resolve("large.slab").toFile(), "rw")) {
      slab.setLength(10L * CHUNK + 1000);
    }
    for (int i = 0; i < 50; i++) {
      if (i < 10) {
        assertHolds(page(1), i, bytes(i, CHUNK));
      } else {
        assertThat(holds(page(1), i)).isFalse();
      }
    }
    put(page(1), 20, bytes(20, CHUNK));
    assertHolds(page(1), 20, bytes(20, CHUNK));
  }

  @Test
  void holdsNoMoreThanItsBound() throws Exception {
    for (int i = 0; i < 2000; i++) {
      put(page(i / 512), i % 512, bytes(i, CHUNK));
      if (i % 100 == 0) {
        assertThat(allocated()).isLessThan((long) ((64 << 20) * 1.01));
      }
    }
    tier.flush();
    assertThat(allocated()).isBetween(60L << 20, (long) ((64 << 20) * 1.01));
    assertHolds(page(1999 / 512), 1999 % 512, bytes(1999, CHUNK));
    assertThat(tier.stats().evictions()).isPositive();
    assertThat(tier.stats().usedBytes())
        .isBetween(allocated() - (1 << 20), allocated() + (1 << 20));
  }

  @Test
  void smallerBoundIsKeptAtOnceAndALargerOneUsed() throws Exception {
    for (int i = 0; i < 400; i++) {
      put(page(0), i, bytes(i, CHUNK));
    }
    tier.resize(20 << 20);
    assertThat(allocated()).isLessThan((long) ((20 << 20) * 1.01));
    tier.resize(200 << 20);
    for (int i = 0; i < 512; i++) {
      put(page(0), i, bytes(i, CHUNK));
    }
    for (int i = 0; i < 512; i++) {
      assertHolds(page(0), i, bytes(i, CHUNK));
    }
  }

  @Test
  void smallFilesTakeLittleMoreThanTheirBytes() throws Exception {
    for (int length : new int[] {10 << 10, 24 << 10}) {
      tier.clear();
      long before = allocated();
      for (int i = 0; i < 1000; i++) {
        byte[] bytes = bytes(i, length);
        tier.put(page(i), 0, true, hash(bytes), MemorySegment.ofArray(bytes));
      }
      tier.flush();
      assertThat((double) (allocated() - before) / (1000L * length)).isLessThan(1.8);
    }
  }

  @Test
  void freedSlotsTakeNothing() throws Exception {
    for (int i = 0; i < 200; i++) {
      put(page(0), i, bytes(i, CHUNK));
    }
    long contents = 200 * CHUNK;
    long overhead = allocated() - contents;
    tier.resize(0);
    assertThat(allocated()).isLessThan(overhead + contents / 10);
  }

  @Test
  void verifyFindsWhatReadersHaveNotAskedFor() throws Exception {
    for (int i = 0; i < 20; i++) {
      put(page(0), i, bytes(i, CHUNK));
    }
    try (RandomAccessFile slab =
        new RandomAccessFile(folder.resolve("large.slab").toFile(), "rw")) {
      slab.seek(3L * CHUNK);
      slab.write(new byte[1000]);
    }
    assertThat(tier.verify(_ -> true)).isEqualTo(1);
    assertThat(holds(page(0), 3)).isFalse();
    assertHolds(page(0), 4, bytes(4, CHUNK));
    assertThat(tier.verify(_ -> true)).isZero();
  }

  @Test
  void whatNoVersionIsMadeOfIsCollected() throws Exception {
    for (int i = 0; i < 30; i++) {
      put(page(0), i, bytes(i, CHUNK));
    }
    tier.put(page(1), 0, true, hash(bytes(50, 99)), MemorySegment.ofArray(bytes(50, 99)));
    tier.flush();
    assertThat(tier.collect()).isZero();
    // Ten chunks are replaced, one of them by what another place has, and so is the page.
    put(page(0), 0, bytes(29, CHUNK));
    for (int i = 1; i < 10; i++) {
      put(page(0), i, bytes(100 + i, 5000));
    }
    assertThat(tier.collect()).isEqualTo(10);
    assertThat(tier.collect()).isZero();
    assertHolds(page(0), 0, bytes(29, CHUNK));
    assertHolds(page(0), 5, bytes(105, 5000));
    assertHolds(page(0), 29, bytes(29, CHUNK));
    assertHolds(page(1), 0, bytes(50, 99));
    assertThat(tier.verify(_ -> true)).isZero();
  }

  @Test
  void muchSmallerBoundGetsASmallerIndex() throws Exception {
    tier.resize(4L << 30);
    for (int i = 0; i < 500; i++) {
      put(page(0), i, bytes(i, 3000));
    }
    tier.flush();
    tier.resize(40 << 20);
    assertThat(Files.size(folder.resolve(ContentStore.INDEX_FILE))).isLessThan(8 << 20);
    for (int i = 0; i < 500; i++) {
      assertHolds(page(0), i, bytes(i, 3000));
    }
    tier.close();
    tier = opened(40 << 20);
    assertHolds(page(0), 499, bytes(499, 3000));
  }

  @Test
  void cacheThatIsOpenedWithASmallerBoundKeepsIt() throws Exception {
    tier.resize(1L << 30);
    for (int i = 0; i < 5000; i++) {
      byte[] bytes = bytes(i, 10_000);
      tier.put(page(i), 0, true, hash(bytes), MemorySegment.ofArray(bytes));
    }
    tier.close();
    tier = opened(10 << 20);
    assertThat(allocated()).isLessThan((long) ((10 << 20) * 1.01));
    assertThat(tier.stats().usedBytes()).isLessThan((long) ((10 << 20) * 1.01));
    assertThat(tier.stats().contents()).isBetween(500L, 1024L);
    put(page(9), 0, bytes(9, CHUNK));
    assertHolds(page(9), 0, bytes(9, CHUNK));
    assertThat(tier.verify(_ -> true)).isZero();
  }

  @Test
  void clearedCacheIsEmptyAndGoesOn() throws Exception {
    put(page(0), 0, bytes(0, CHUNK));
    tier.clear();
    assertThat(holds(page(0), 0)).isFalse();
    put(page(0), 0, bytes(0, CHUNK));
    assertHolds(page(0), 0, bytes(0, CHUNK));
  }

  @Test
  void restingCacheWakesUp() {
    put(page(0), 0, bytes(0, CHUNK));
    tier.flush();
    tier.rest();
    assertHolds(page(0), 0, bytes(0, CHUNK));
  }

  @Test
  void secondOwnerIsToldWhoHasIt() {
    assertThatThrownBy(() -> opened(64 << 20))
        .isInstanceOf(CacheTakenException.class)
        .hasMessageContaining(Long.toString(ProcessHandle.current().pid()));
  }

  @Test
  void anotherLayoutIsDiscarded() throws Exception {
    put(page(0), 0, bytes(0, CHUNK));
    tier.close();
    Files.writeString(folder.resolve("layout"), "wormhole cache, layout 0\n");
    tier = opened(64 << 20);
    assertThat(holds(page(0), 0)).isFalse();
    assertThat(tier.stats().contents()).isZero();
  }

  @Test
  void filesAreItsOwnersAlone() throws Exception {
    put(page(0), 0, bytes(0, CHUNK));
    put(page(0), 1, bytes(0, 10));
    tier.flush();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
        .isEqualTo("rwx------");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files)
          .hasSizeGreaterThan(6)
          .allSatisfy(file ->
              assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                  .as("%s", file)
                  .isEqualTo("rw-------"));
    }
  }

  /** As the disk counts. */
  private long allocated() throws IOException {
    long sum = 0;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        sum += SparseFile.allocatedBytes(file);
      }
    }
    return sum;
  }
}
