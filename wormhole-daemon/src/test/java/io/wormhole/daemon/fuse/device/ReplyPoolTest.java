package io.wormhole.daemon.fuse.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Replies are bounded, used again, and freed when there are more than anybody needs. */
class ReplyPoolTest {
  private static final int LARGE = 131_072;

  @Test
  void aReplyGivenBackIsUsedAgain() throws Exception {
    ReplyPool pool = new ReplyPool(LARGE, 4);
    Reply small = pool.take(100);
    Reply large = pool.take(LARGE);
    assertThat(small.capacityBytes()).isEqualTo(ReplyPool.SMALL_BYTES);
    assertThat(large.capacityBytes()).isEqualTo(LARGE);
    assertThat(large.payload().address() % 8).isZero();
    pool.give(small);
    pool.give(large);
    assertThat(pool.take(1)).isSameAs(small);
    assertThat(pool.take(5000)).isSameAs(large);
  }

  @Test
  void pastTheBoundATakerWaitsUntilOneComesBack() throws Exception {
    ReplyPool pool = new ReplyPool(LARGE, 1);
    Reply only = pool.take(LARGE);
    CompletableFuture<Reply> next = new CompletableFuture<>();
    Thread taker =
        Thread.ofVirtual()
            .start(() -> {
              try {
                next.complete(pool.take(LARGE));
              } catch (InterruptedException e) {
                next.completeExceptionally(e);
              }
            });
    while (taker.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertThat(next).isNotDone();
    pool.give(only);
    assertThat(next.get(10, TimeUnit.SECONDS)).isSameAs(only);
    assertThat(pool.largeTaken()).isEqualTo(1);
  }

  @Test
  void whatIsTooManyToKeepIsFreed() throws Exception {
    ReplyPool pool = new ReplyPool(LARGE, 100);
    List<Reply> taken = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      taken.add(pool.take(LARGE));
    }
    taken.forEach(pool::give);
    assertThat(taken.stream().filter(reply -> reply.payload().scope().isAlive()).count())
        .isEqualTo(32);
    assertThat(pool.largeTaken()).isZero();
  }

  @Test
  void moreThanTheLargeSizeIsRefused() {
    ReplyPool pool = new ReplyPool(LARGE, 1);
    assertThatThrownBy(() -> pool.take(LARGE + 1)).isInstanceOf(IllegalArgumentException.class);
    assertThat(pool.largeTaken()).isZero();
  }
}
