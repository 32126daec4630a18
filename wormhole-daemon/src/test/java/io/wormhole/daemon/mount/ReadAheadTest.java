package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.mount.ReadAhead.Step;
import io.wormhole.protocol.wire.Limits;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ReadAheadTest {
  private static final int CHUNK = Limits.CHUNK_BYTES;
  private static final long HUGE = 1L << 40;

  private final ReadAhead readAhead = new ReadAhead(16);

  private Step readChunk(long index) {
    return readAhead.read(index * CHUNK, CHUNK, HUGE);
  }

  @Test
  void oneReadAsksForNothingMoreAndStandsAlone() {
    Step step = readChunk(0);
    assertThat(step.fetchTo() - step.fetchFrom()).isZero();
    assertThat(step.alone()).isTrue();
  }

  @Test
  void readsThatFollowDoNotStandAlone() {
    readAhead.read(0, 4096, HUGE);
    assertThat(readAhead.read(4096, 4096, HUGE).alone()).isFalse();
    assertThat(readChunk(1).alone()).isFalse();
    assertThat(readChunk(1000).alone()).isTrue();
    assertThat(readChunk(1001).alone()).isFalse();
  }

  @Test
  void windowDoublesWithEachChunkInOrderUpToTheBound() {
    readChunk(0);
    List<Long> ends = new ArrayList<>();
    for (int chunk = 1; chunk <= 6; chunk++) {
      Step step = readChunk(chunk);
      ends.add(step.fetchTo() - chunk - 1);
    }
    assertThat(ends).containsExactly(2L, 4L, 8L, 16L, 16L, 16L);
  }

  @Test
  void noChunkIsAskedForTwice() {
    Set<Long> asked = new HashSet<>();
    for (int chunk = 0; chunk < 100; chunk++) {
      Step step = readChunk(chunk);
      for (long ahead = step.fetchFrom(); ahead < step.fetchTo(); ahead++) {
        assertThat(asked.add(ahead)).as("chunk %d", ahead).isTrue();
      }
    }
  }

  @Test
  void smallReadsWithinAChunkDoNotOpenTheWindow() {
    readAhead.read(0, 4096, HUGE);
    for (int at = 4096; at < CHUNK; at += 4096) {
      assertThat(readAhead.read(at, 4096, HUGE)).isEqualTo(Step.NOTHING);
    }
  }

  @Test
  void nothingPastTheEndOfTheFileIsAskedFor() {
    long fileBytes = 3L * CHUNK + 1;
    readAhead.read(0, CHUNK, fileBytes);
    Step step = readAhead.read(CHUNK, CHUNK, fileBytes);
    assertThat(step.fetchFrom()).isEqualTo(2);
    assertThat(step.fetchTo()).isEqualTo(4);
    assertThat(readAhead.read(2L * CHUNK, CHUNK, fileBytes)).isEqualTo(Step.NOTHING);
  }

  @Test
  void parallelRequestsOutOfOrderAreNoSeek() {
    readChunk(0);
    readChunk(2);
    Step step = readChunk(1);
    assertThat(step.dropFrom()).isEqualTo(step.dropTo());
    assertThat(readChunk(3).fetchTo()).isGreaterThan(4);
  }

  @Test
  void seekDropsWhatWasAskedForAndNotRead() {
    for (int chunk = 0; chunk <= 4; chunk++) {
      readChunk(chunk);
    }
    Step seek = readChunk(1_000_000);
    assertThat(seek.fetchFrom()).isEqualTo(seek.fetchTo());
    assertThat(seek.dropFrom()).isEqualTo(5);
    assertThat(seek.dropTo()).isEqualTo(21);
  }

  @Property
  void readerWhoJumpsFarEachTimeCausesNoReadAhead(
      @ForAll @Size(min = 2, max = 50) List<@IntRange(min = 0, max = 1000) Integer> jumps) {
    long before = -1;
    for (int jump : jumps) {
      long chunk = jump * 1000L;
      if (chunk == before) {
        continue;
      }
      Step step = readChunk(chunk);
      assertThat(step.fetchTo() - step.fetchFrom()).isZero();
      before = chunk;
    }
  }
}
