package io.wormhole.daemon.mount;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.wormhole.cache.ChunkKey;
import io.wormhole.cache.FileVersion;
import io.wormhole.cache.PendingLoad;
import io.wormhole.daemon.transport.Pending;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.SmallFiles;
import io.wormhole.protocol.wire.message.WholeFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** Loads that share one request. */
class SmallFileBatchTest {
  private static final ChunkKey KEY = new ChunkKey(new FileVersion(1, 2, 3, 4, 5, 6), 0);

  private final SmallFileBatch batch = new SmallFileBatch();
  private final List<MemorySegment> slots = new ArrayList<>();
  private final CompletableFuture<Reply> answer = new CompletableFuture<>();
  private int cancels;
  private int hurries;

  private final Pending<Reply> request =
      new Pending<>() {
        @Override
        public CompletableFuture<Reply> answer() {
          return answer;
        }

        @Override
        public void hurry() {
          hurries++;
        }

        @Override
        public void cancel() {
          cancels++;
        }
      };

  private PendingLoad load(int bytes) {
    MemorySegment slot = Arena.ofAuto().allocate(bytes);
    slots.add(slot);
    return batch
        .loader(ByteString.copyFromUtf8("f"), new VersionToken(5, 6), bytes)
        .load(KEY, slot);
  }

  private static Reply reply(int... lengths) {
    SmallFiles.Builder files = SmallFiles.newBuilder();
    for (int length : lengths) {
      byte[] data = new byte[length];
      data[0] = 1;
      files.addFiles(
          WholeFile.newBuilder()
              .setData(ByteString.copyFrom(data))
              .setHash(ByteString.copyFrom(new byte[32])));
    }
    return Reply.newBuilder().setSmallFiles(files).build();
  }

  private void send() {
    assertThat(batch.close()).hasSize(slots.size());
    batch.sent(request);
  }

  @Test
  void requestGoesWhenNobodyWantsAnyOfIt() {
    PendingLoad one = load(10);
    PendingLoad other = load(10);
    send();

    one.cancel();
    one.cancel();
    assertThat(cancels).isZero();
    other.cancel();
    assertThat(cancels).isEqualTo(1);
  }

  @Test
  void whatIsUnwantedBeforeItIsSentCountsAsWell() {
    load(10).cancel();
    send();

    assertThat(cancels).isEqualTo(1);
  }

  @Test
  void cancelledLoadEndsAtOnceAndItsMemoryIsLeftAlone() {
    PendingLoad cancelled = load(10);
    PendingLoad wanted = load(10);
    send();
    cancelled.cancel();
    assertThat(cancelled.arrival()).isCompletedExceptionally();

    answer.complete(reply(10, 10));

    assertThat(slots.get(0).get(JAVA_BYTE, 0)).isZero();
    assertThat(slots.get(1).get(JAVA_BYTE, 0)).isEqualTo((byte) 1);
    assertThat(wanted.arrival()).isCompleted();
  }

  @Test
  void oneWhoHurriesBeforeItIsSentHurriesTheRequest() {
    load(10).hurry();
    send();

    assertThat(hurries).isEqualTo(1);
  }

  @Test
  void loadThatComesLateFails() {
    var late = batch.loader(ByteString.copyFromUtf8("f"), new VersionToken(5, 6), 10);
    batch.close();

    assertThat(late.load(KEY, Arena.ofAuto().allocate(10)).arrival()).isCompletedExceptionally();
  }

  @Test
  void whatMayStillComeIsCountedAgainstItsBound() {
    assertThat(batch.admits(Limits.CHUNK_BYTES)).isTrue();
    var _ = batch.loader(ByteString.copyFromUtf8("f"), new VersionToken(5, 6), 128 << 10);

    assertThat(batch.admits(Limits.CHUNK_BYTES)).isFalse();
    assertThat(batch.admits(Limits.SMALL_FILES_BYTES - Limits.CHUNK_BYTES)).isTrue();
  }

  @Test
  void everyLoadEndsWhenTheRequestFails() {
    PendingLoad one = load(10);
    PendingLoad other = load(20);
    send();

    answer.completeExceptionally(new TimeoutException());

    assertThat(one.arrival()).isCompletedExceptionally();
    assertThat(other.arrival()).isCompletedExceptionally();
  }
}
