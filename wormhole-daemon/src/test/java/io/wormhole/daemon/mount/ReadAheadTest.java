package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.mount.ReadAhead.Range;
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

  private final ReadAhead readAhead = new ReadAhead(16, false);

  private Step readChunk(long index) {
    return readAhead.read(index * CHUNK, CHUNK, HUGE);
  }

  @Test
  void oneReadAsksForNothingMoreAndStandsAlone() {
    Step step = readChunk(0);
    assertThat(step.fetch().to() - step.fetch().from()).isZero();
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
      ends.add(step.fetch().to() - chunk - 1);
    }
    assertThat(ends).containsExactly(2L, 4L, 8L, 16L, 16L, 16L);
  }

  @Test
  void noChunkIsAskedForTwice() {
    Set<Long> asked = new HashSet<>();
    for (int chunk = 0; chunk < 100; chunk++) {
      Step step = readChunk(chunk);
      for (long ahead = step.fetch().from(); ahead < step.fetch().to(); ahead++) {
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
    assertThat(step.fetch().from()).isEqualTo(2);
    assertThat(step.fetch().to()).isEqualTo(4);
    assertThat(readAhead.read(2L * CHUNK, CHUNK, fileBytes)).isEqualTo(Step.NOTHING);
  }

  @Test
  void parallelRequestsOutOfOrderAreNoSeek() {
    readChunk(0);
    readChunk(2);
    Step step = readChunk(1);
    assertThat(step.drops()).isEmpty();
    assertThat(readChunk(3).fetch().to()).isGreaterThan(4);
  }

  @Test
  void seekDropsWhatWasAskedForAndNotRead() {
    for (int chunk = 0; chunk <= 4; chunk++) {
      readChunk(chunk);
    }
    Step seek = readChunk(1_000_000);
    assertThat(seek.drops()).containsExactly(new Range(5, 21));
  }

  @Test
  void seekDropsTheRestOfWhatWasReadInPart() {
    readAhead.read(10L * CHUNK + 5000, CHUNK, HUGE);
    assertThat(readChunk(1000).drops()).containsExactly(new Range(10, 11), new Range(11, 12));
    assertThat(readAhead.read(2000L * CHUNK, CHUNK / 2, HUGE).drops())
        .as("which was read whole")
        .isEmpty();
    assertThat(readChunk(3000).drops()).containsExactly(new Range(2000, 2001));
    assertThat(readChunk(4000).drops()).as("once").isEmpty();
    readAhead.read(2000L * CHUNK, CHUNK / 4, HUGE);
    assertThat(readChunk(5000).drops()).as("again").containsExactly(new Range(2000, 2001));
  }

  @Test
  void whatIsReadToItsEndLaterIsNoPart() {
    readAhead.read(10L * CHUNK, CHUNK / 2, HUGE);
    readAhead.read(10L * CHUNK + CHUNK / 2, CHUNK / 2, HUGE);
    assertThat(readChunk(1000).drops()).isEmpty();
    long fileBytes = 20L * CHUNK + 100;
    readAhead.read(20L * CHUNK, 100, fileBytes);
    assertThat(readChunk(5).drops()).isEmpty();
  }

  @Test
  void twoTracksReadInTurnsAreBothReadAhead() {
    readChunk(0);
    readChunk(1000);
    for (int chunk = 1; chunk <= 4; chunk++) {
      Step picture = readChunk(chunk);
      Step sound = readChunk(1000 + chunk);
      assertThat(picture.fetch().to()).isEqualTo(chunk + 1 + (1L << chunk));
      assertThat(sound.fetch().to()).isEqualTo(1000 + chunk + 1 + (1L << chunk));
      assertThat(picture.drops()).isEmpty();
      assertThat(sound.drops()).isEmpty();
    }
  }

  @Test
  void readerWhoComesBackGoesOnWithHalfHisWindow() {
    for (int chunk = 0; chunk <= 4; chunk++) {
      readChunk(chunk);
    }
    assertThat(readChunk(1_000_000).drops()).containsExactly(new Range(5, 21));
    assertThat(readChunk(5).fetch()).isEqualTo(new Range(6, 22));
  }

  @Test
  void whoJumpedAndReadOnIsExpectedToAgain() {
    for (int chunk = 0; chunk <= 2; chunk++) {
      readChunk(chunk);
    }
    Step jump = readChunk(1000);
    assertThat(jump.fetch()).isEqualTo(new Range(1001, 1005));
    assertThat(jump.alone()).isFalse();
    assertThat(readChunk(1001).fetch().to()).isEqualTo(1010);
    assertThat(readChunk(1002).fetch().to()).isEqualTo(1019);
    assertThat(readChunk(2000).fetch()).isEqualTo(new Range(2001, 2005));
  }

  @Test
  void oneJumpThatNobodyReadsOnFromEndsThat() {
    for (int chunk = 0; chunk <= 2; chunk++) {
      readChunk(chunk);
    }
    assertThat(readChunk(1000).fetch()).isEqualTo(new Range(1001, 1005));
    Step next = readChunk(2000);
    assertThat(next.drops()).contains(new Range(1001, 1005));
    assertThat(next.fetch().isEmpty()).isTrue();
    assertThat(next.alone()).isTrue();
    assertThat(readChunk(3000).alone()).isTrue();
  }

  @Test
  void whoJumpsBesideOneWhoReadsOnIsNotTakenForHim() {
    for (int chunk = 0; chunk <= 2; chunk++) {
      readChunk(chunk);
    }
    readChunk(10_000);
    for (int i = 2; i <= 50; i++) {
      assertThat(readChunk(i + 1).alone()).isFalse();
      Step jump = readChunk(i * 10_000L);
      assertThat(jump.fetch().isEmpty()).as("jump %d", i).isTrue();
      assertThat(jump.alone()).isTrue();
      readChunk(0);
    }
  }

  @Test
  void aJumpNearTheEndAsksForNothingPastIt() {
    long fileBytes = 100L * CHUNK + 1;
    for (int chunk = 0; chunk <= 2; chunk++) {
      readAhead.read((long) chunk * CHUNK, CHUNK, fileBytes);
    }
    assertThat(readAhead.read(98L * CHUNK, CHUNK, fileBytes).fetch()).isEqualTo(new Range(99, 101));
    for (int chunk = 99; chunk <= 100; chunk++) {
      readAhead.read((long) chunk * CHUNK, CHUNK, fileBytes);
    }
    assertThat(readAhead.read(50L * CHUNK, CHUNK, fileBytes).fetch()).isEqualTo(new Range(51, 55));
    Step last = readAhead.read(100L * CHUNK, 1, fileBytes);
    assertThat(last.fetch().isEmpty()).isTrue();
  }

  @Test
  void placeThatEightOthersFollowedIsForgotten() {
    readChunk(0);
    for (int place = 1; place <= 8; place++) {
      readChunk(place * 1000L);
    }
    assertThat(readChunk(1).alone()).isTrue();
    assertThat(readChunk(8001).alone()).isFalse();
  }

  @Test
  void allThatWasNotReadIsDroppedAtTheEnd() {
    readChunk(0);
    readChunk(1000);
    readChunk(1);
    readChunk(1001);
    assertThat(readAhead.close()).containsExactlyInAnyOrder(new Range(2, 4), new Range(1002, 1004));
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
      assertThat(step.fetch().to() - step.fetch().from()).isZero();
      before = chunk;
    }
  }

  @Test
  void whoReadsTheBeginningOfAFilmGetsItsEndToo() {
    ReadAhead film = new ReadAhead(16, true);
    assertThat(film.read(0, 16_384, HUGE).index().isEmpty()).as("a look").isTrue();
    Step step = film.read(16_384, 16_384, HUGE);
    assertThat(step.index()).isEqualTo(new Range(HUGE / CHUNK - 2, HUGE / CHUNK));
    assertThat(film.read(32_768, 16_384, HUGE)).as("once").isEqualTo(Step.NOTHING);
    assertThat(film.read(HUGE - 1000, 1000, HUGE).drops())
        .as("the rest of the first chunk alone")
        .containsExactly(new Range(0, 1));
  }

  @Test
  void theEndOfAFilmIsTheLastQuarterOfAMebibyteAtLeast() {
    long fileBytes = 100L * CHUNK + 1;
    assertThat(new ReadAhead(16, true).read(0, CHUNK, fileBytes).index())
        .isEqualTo(new Range(98, 101));
    assertThat(new ReadAhead(16, true).read(0, CHUNK, CHUNK + 1).index())
        .isEqualTo(new Range(1, 2));
    assertThat(new ReadAhead(16, true).read(0, CHUNK, CHUNK).index().isEmpty()).isTrue();
  }

  @Test
  void aShortReadInAFilmsFirstChunkIsNoMoreThanThat() {
    Step step = new ReadAhead(16, true).read(100_000, 4096, HUGE);
    assertThat(step.index().isEmpty()).isTrue();
    assertThat(step.alone()).isTrue();
  }

  @Test
  void whoBeginsAFilmInTheMidstDoesNotLookForItsIndex() {
    assertThat(new ReadAhead(16, true).read(50L * CHUNK, CHUNK, HUGE).index().isEmpty()).isTrue();
    assertThat(readChunk(0).index().isEmpty()).as("no film").isTrue();
  }
}
