package io.wormhole.daemon.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.GroupHashes;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.OpenedFile;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FileReadsTest {
  private static final int CHUNK = Limits.CHUNK_BYTES;
  private static final ByteString ANY = ByteString.EMPTY;

  @TempDir Path work;
  private Path root;
  private TestShare share;

  @BeforeEach
  void share() throws Exception {
    root = Files.createDirectory(work.resolve("root"));
    share = new TestShare(work.resolve("state"), root);
  }

  @AfterEach
  void close() {
    share.close();
  }

  @Test
  void chunksComeWithTheHashesOfTheirBytes() throws Exception {
    byte[] content = new byte[2 * CHUNK + 20_000];
    new Random(7).nextBytes(content);
    Files.write(root.resolve("f"), content);
    OpenedFile file = share.opened("f");
    ByteString version = file.getAttributes().getVersion();
    for (int offset = 0; offset < content.length; offset += CHUNK) {
      RecordingResponder answer = share.read(file.getHandle(), version, offset, CHUNK);
      byte[] expected =
          Arrays.copyOfRange(content, offset, Math.min(offset + CHUNK, content.length));
      assertThat(answer.data()).isEqualTo(expected);
      assertHashesFit(answer.chunk(), expected);
      assertThat(answer.chunk().young()).isFalse();
    }
    assertThat(share.session.bytesServed()).isEqualTo(content.length);
  }

  @Test
  void bytesThatAreKnownDoNotCome() throws Exception {
    byte[] content = new byte[2 * CHUNK];
    new Random(7).nextBytes(content);
    Files.write(root.resolve("f"), content);
    OpenedFile file = share.opened("f");
    ByteString version = file.getAttributes().getVersion();
    ByteString known =
        ByteString.copyFrom(share.read(file.getHandle(), version, 0, CHUNK).chunk().hash());
    long served = share.session.bytesServed();
    RecordingResponder same = share.read(file.getHandle(), version, 0, CHUNK, known);
    assertThat(same.reply().hasSame()).isTrue();
    assertThat(same.reply().getSame().getYoung()).isFalse();
    assertThat(share.session.bytesServed()).isEqualTo(served);
    assertThat(share.read(file.getHandle(), version, CHUNK, CHUNK, known).data())
        .isEqualTo(Arrays.copyOfRange(content, CHUNK, 2 * CHUNK));
    assertThat(share.read(file.getHandle(), ANY, 0, CHUNK, known).data()).hasSize(CHUNK);

    content[0] ^= 1;
    Files.write(root.resolve("f"), content);
    assertThat(share.read(file.getHandle(), version, 0, CHUNK, known).reply().hasChanged())
        .isTrue();
  }

  @Test
  void readsBehindTheEndAreEmpty() throws Exception {
    Files.write(root.resolve("f"), new byte[100]);
    Files.write(root.resolve("empty"), new byte[0]);
    OpenedFile file = share.opened("f");
    ByteString version = file.getAttributes().getVersion();
    assertThat(share.read(file.getHandle(), version, CHUNK, CHUNK).chunk().dataBytes()).isZero();
    assertThat(share.read(file.getHandle(), ANY, 100, 5).chunk().dataBytes()).isZero();
    assertThat(share.read(file.getHandle(), ANY, 97, 5).chunk().dataBytes()).isEqualTo(3);
    OpenedFile empty = share.opened("empty");
    ChunkHeader none =
        share.read(empty.getHandle(), empty.getAttributes().getVersion(), 0, CHUNK).chunk();
    assertHashesFit(none, new byte[0]);
  }

  @Test
  void holesPastFourGigabytesAreRead() throws Exception {
    long size = 6L << 30;
    try (RandomAccessFile sparse = new RandomAccessFile(root.resolve("sparse").toFile(), "rw")) {
      sparse.setLength(size);
      sparse.seek(size - 3);
      sparse.write(new byte[] {1, 2, 3});
    }
    OpenedFile file = share.opened("sparse");
    ByteString version = file.getAttributes().getVersion();
    assertThat(file.getAttributes().getSize()).isEqualTo(size);
    assertThat(share.read(file.getHandle(), version, 5L << 30, CHUNK).data())
        .isEqualTo(new byte[CHUNK]);
    byte[] last = share.read(file.getHandle(), version, size - CHUNK, CHUNK).data();
    assertThat(Arrays.copyOfRange(last, CHUNK - 3, CHUNK)).containsExactly(1, 2, 3);
  }

  @Test
  void anyRangeOfAVersionIsReadWithTheHashOfItsOwnBytes() throws Exception {
    byte[] content = new byte[3 * CHUNK];
    new Random(5).nextBytes(content);
    Files.write(root.resolve("f"), content);
    OpenedFile file = share.opened("f");
    ByteString version = file.getAttributes().getVersion();
    for (int offset : new int[] {0, 1, 4096, CHUNK - 10, CHUNK, 2 * CHUNK + 5}) {
      for (int length : new int[] {10, 16 << 10, CHUNK}) {
        var answer = share.read(file.getHandle(), version, offset, length);
        byte[] expected =
            Arrays.copyOfRange(content, offset, Math.min(content.length, offset + length));
        assertThat(answer.data()).isEqualTo(expected);
        assertHashesFit(answer.chunk(), expected);
      }
    }
  }

  @Test
  void malformedReadsAreRefused() throws Exception {
    Files.write(root.resolve("f"), new byte[100]);
    OpenedFile file = share.opened("f");
    long handle = file.getHandle();
    ByteString version = file.getAttributes().getVersion();
    FailureCode malformed = FailureCode.FAILURE_CODE_MALFORMED;
    assertThat(share.read(handle, version, 0, 0).failure()).isEqualTo(malformed);
    assertThat(share.read(handle, version, 0, CHUNK + 1).failure()).isEqualTo(malformed);
    assertThat(share.read(handle, version, 0, -1).failure()).isEqualTo(malformed);
    assertThat(share.read(handle, ANY, -1, 10).failure()).isEqualTo(malformed);
    assertThat(share.read(handle, ByteString.copyFrom(new byte[15]), 0, 10).failure())
        .isEqualTo(malformed);
    assertThat(share.read(handle, version, 0, 10, ByteString.copyFrom(new byte[31])).failure())
        .isEqualTo(malformed);
    assertThat(share.read(handle + 1, version, 0, 10).failure())
        .isEqualTo(FailureCode.FAILURE_CODE_BAD_HANDLE);
  }

  @Test
  void changedFileAnswersWithItsNewAttributes() throws Exception {
    Path path = root.resolve("f");
    Files.write(path, new byte[1000]);
    OpenedFile file = share.opened("f");
    ByteString first = file.getAttributes().getVersion();

    Files.write(path, new byte[500], StandardOpenOption.APPEND);
    Attributes grown = changed(file.getHandle(), first);
    assertThat(grown.getSize()).isEqualTo(1500);
    assertThat(share.read(file.getHandle(), grown.getVersion(), 0, CHUNK).data()).hasSize(1500);

    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      channel.truncate(10);
    }
    Attributes cut = changed(file.getHandle(), grown.getVersion());
    assertThat(cut.getSize()).isEqualTo(10);

    Files.setLastModifiedTime(path, FileTime.fromMillis(1_000_000));
    Attributes touched = changed(file.getHandle(), cut.getVersion());
    assertThat(touched.getMtimeSeconds()).isEqualTo(1000);
    assertThat(share.attributes(file.getHandle()).getVersion()).isEqualTo(touched.getVersion());
  }

  @Test
  void replacedFileStaysReadableThroughItsHandle() throws Exception {
    Files.write(root.resolve("f"), new byte[] {1});
    OpenedFile old = share.opened("f");
    Files.write(root.resolve("g"), new byte[] {2});
    Files.move(root.resolve("g"), root.resolve("f"), StandardCopyOption.REPLACE_EXISTING);
    Attributes now = share.attributes(old.getHandle());
    assertThat(now.getInode()).isEqualTo(old.getAttributes().getInode());
    assertThat(now.getLinks()).isZero();
    assertThat(share.read(old.getHandle(), now.getVersion(), 0, CHUNK).data()).containsExactly(1);
    assertThat(share.read(share.opened("f").getHandle(), ANY, 0, CHUNK).data()).containsExactly(2);
  }

  @Test
  void rewritesNeverMixWithinARead() throws Exception {
    neverMixes(file -> {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        for (byte value = 1; !Thread.currentThread().isInterrupted(); value++) {
          ByteBuffer all = filled(value, 4 * CHUNK);
          while (all.hasRemaining()) {
            channel.write(all, all.position());
          }
          pause();
        }
      } catch (java.nio.channels.ClosedByInterruptException stopped) {
        return null;
      }
      return null;
    });
  }

  @Test
  void truncationsAndReplacementsNeverMixWithinARead() throws Exception {
    neverMixes(file -> {
      Path spare = file.resolveSibling("spare");
      for (int round = 1; !Thread.currentThread().isInterrupted(); round++) {
        byte[] all = filled((byte) round, 4 * CHUNK).array();
        if (round % 2 == 0) {
          Files.write(spare, all);
          Files.move(spare, file, StandardCopyOption.ATOMIC_MOVE);
        } else {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(round % 4 == 1 ? 0 : CHUNK + 1);
          } catch (java.nio.channels.ClosedByInterruptException stopped) {
            return null;
          }
        }
        pause();
      }
      return null;
    });
  }

  @Test
  void longWriteIsNotSeenHalfDone() throws Exception {
    // A write stamps the file first and copies then: its end comes long after its times.
    int chunks = 512;
    Path path = root.resolve("f");
    Files.write(path, new byte[chunks * CHUNK]);
    OpenedFile file = share.opened("f");
    ByteString version = file.getAttributes().getVersion();
    Map<ByteString, Byte> values = new HashMap<>();
    CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> rewrite(path, chunks));
    while (!writing.isDone() || values.size() < 2) {
      RecordingResponder answer =
          share.read(file.getHandle(), version, (chunks - 1L) * CHUNK, CHUNK);
      if (answer.isChunk()) {
        assertOneValue(answer.data());
        byte value = answer.data()[0];
        assertThat(values.putIfAbsent(version, value)).isIn(null, value);
      } else {
        version = answer.reply().getChanged().getVersion();
      }
    }
    writing.get(10, TimeUnit.SECONDS);
  }

  @Test
  void sameTimesAreAnotherVersionOnceTheyHaveAged() throws Exception {
    Path path = root.resolve("f");
    Files.write(path, new byte[] {1});
    Instant written = Files.getLastModifiedTime(path).toInstant();
    MovedClock clock = new MovedClock(written.plusMillis(500));
    try (TestShare young = new TestShare(work.resolve("state"), root, clock, 10)) {
      OpenedFile file = young.opened("f");
      assertThat(file.getAttributes().getYoung()).isTrue();
      ByteString version = file.getAttributes().getVersion();
      RecordingResponder early = young.read(file.getHandle(), version, 0, CHUNK);
      assertThat(early.chunk().young()).isTrue();

      clock.now = written.plusMillis(1999);
      assertThat(young.read(file.getHandle(), version, 0, CHUNK).isChunk()).isTrue();

      clock.now = written.plusSeconds(2);
      Attributes aged = young.read(file.getHandle(), version, 0, CHUNK).reply().getChanged();
      assertThat(aged.getYoung()).isFalse();
      assertThat(aged.getVersion()).isNotEqualTo(version);
      RecordingResponder late = young.read(file.getHandle(), aged.getVersion(), 0, CHUNK);
      assertThat(late.chunk().young()).isFalse();
    }
  }

  @Test
  void bytesOfNoVersionAreNotToBeKept() throws Exception {
    Files.write(root.resolve("f"), new byte[] {1});
    assertThat(share.read(share.opened("f").getHandle(), ANY, 0, CHUNK).chunk().young()).isTrue();
  }

  @Test
  void secondReadOfAChunkCostsNoHashing() throws Exception {
    byte[] content = new byte[CHUNK + 30_000];
    new Random(9).nextBytes(content);
    Files.write(root.resolve("f"), content);
    OpenedFile file = share.opened("f");
    ByteString version = file.getAttributes().getVersion();
    ChunkHeader first = share.read(file.getHandle(), version, CHUNK, CHUNK).chunk();
    assertThat(share.share.hashes().hits()).isZero();
    ChunkHeader second = share.read(file.getHandle(), version, CHUNK, CHUNK).chunk();
    assertThat(share.share.hashes().hits()).isEqualTo(1);
    assertThat(second).isEqualTo(first);
    // A part of a chunk has a hash of its own.
    RecordingResponder part = share.read(file.getHandle(), version, CHUNK, 100);
    assertHashesFit(part.chunk(), Arrays.copyOfRange(content, CHUNK, CHUNK + 100));
    assertThat(share.share.hashes().hits()).isEqualTo(1);
  }

  /** Reads while a thread changes the file, each version of it filled with one value. */
  private void neverMixes(Writer writer) throws Exception {
    Path file = root.resolve("f");
    Files.write(file, filled((byte) 1, 4 * CHUNK).array());
    ExecutorService threads = Executors.newSingleThreadExecutor();
    int chunks = 0;
    int changes = 0;
    try (TestShare now = new TestShare(work.resolve("state"), root, Clock.systemUTC(), 100)) {
      Callable<Void> writing = () -> writer.write(file);
      Future<Void> written = threads.submit(writing);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
      Random random = new Random(3);
      while (System.nanoTime() < end) {
        RecordingResponder opening = now.open("f");
        long handle = opening.reply().getOpenedFile().getHandle();
        Attributes attributes = opening.reply().getOpenedFile().getAttributes();
        for (int i = 0; i < 20; i++) {
          RecordingResponder answer =
              now.read(handle, attributes.getVersion(), (long) CHUNK * random.nextInt(4), CHUNK);
          if (answer.isChunk()) {
            chunks++;
            assertOneValue(answer.data());
            assertHashesFit(answer.chunk(), answer.data());
          } else {
            changes++;
            attributes = answer.reply().getChanged();
          }
        }
        now.closeHandle(handle);
      }
      threads.shutdownNow();
      written.get(10, TimeUnit.SECONDS);
    } finally {
      threads.shutdownNow();
      assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(chunks).as("chunks read").isPositive();
    assertThat(changes).as("changes seen").isPositive();
  }

  /** Eight times all of a file, each time in one call. */
  private static void rewrite(Path path, int chunks) {
    ByteBuffer all = ByteBuffer.allocateDirect(chunks * CHUNK);
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      for (byte value = 1; value <= 8; value++) {
        MemorySegment.ofBuffer(all.clear()).fill(value);
        assertThat(channel.write(all, 0)).isEqualTo(chunks * CHUNK);
      }
    } catch (IOException fault) {
      throw new UncheckedIOException(fault);
    }
  }

  private Attributes changed(long handle, ByteString version) {
    return share.read(handle, version, 0, CHUNK).reply().getChanged();
  }

  private static void assertOneValue(byte[] data) {
    if (data.length > 0) {
      int other = Arrays.mismatch(data, filled(data[0], data.length).array());
      assertThat(other).as("first byte of another version").isEqualTo(-1);
    }
  }

  private static void assertHashesFit(ChunkHeader header, byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
      GroupHashes expected = Blake3.plain().hash(memory);
      assertThat(header.dataBytes()).isEqualTo(bytes.length);
      assertThat(header.hash()).isEqualTo(expected.hash().bytes());
      assertThat(header.chainingValues()).isEqualTo(expected.chainingValues());
    }
  }

  private static ByteBuffer filled(byte value, int length) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, value);
    return ByteBuffer.wrap(bytes);
  }

  /** Lets a reader get at a version before the next one, now and then. */
  private static void pause() {
    if (System.nanoTime() % 3 == 0) {
      java.util.concurrent.locks.LockSupport.parkNanos(Duration.ofMillis(30).toNanos());
    }
  }

  private interface Writer {
    Void write(Path file) throws IOException;
  }

  private static final class MovedClock extends Clock {
    private volatile Instant now;

    MovedClock(Instant now) {
      this.now = now;
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneOffset getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(java.time.ZoneId zone) {
      throw new UnsupportedOperationException();
    }
  }
}
