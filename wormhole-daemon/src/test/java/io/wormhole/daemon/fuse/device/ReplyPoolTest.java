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
  private static final int MEDIUM = ReplyPool.MEDIUM_BYTES;
  private static final int LARGE = 8 * MEDIUM;

  @Test
  void aReplyGivenBackIsUsedAgain() throws Exception {
    ReplyPool pool = new ReplyPool(LARGE, 4 * LARGE);
    int[] wanted = {100, 5000, MEDIUM + 1};
    int[] sizes = {ReplyPool.SMALL_BYTES, MEDIUM, LARGE};
    for (int i = 0; i < wanted.length; i++) {
      Reply reply = pool.take(wanted[i]);
      assertThat(reply.capacityBytes()).isEqualTo(sizes[i]);
      assertThat(reply.payload().address() % 8).isZero();
      pool.give(reply);
      assertThat(pool.take(sizes[i])).isSameAs(reply);
    }
    assertThat(pool.takenBytes()).isEqualTo(MEDIUM + LARGE);
  }

  @Test
  void whatCameBackLastIsTakenFirst() throws Exception {
    ReplyPool pool = new ReplyPool(LARGE, LARGE);
    Reply first = pool.take(MEDIUM);
    Reply second = pool.take(MEDIUM);
    pool.give(first);
    pool.give(second);
    assertThat(pool.take(MEDIUM)).isSameAs(second);
    assertThat(pool.take(MEDIUM)).isSameAs(first);
  }

  @Test
  void pastTheBoundATakerWaitsUntilEnoughHasComeBack() throws Exception {
    ReplyPool pool = new ReplyPool(LARGE, LARGE + MEDIUM);
    Reply medium = pool.take(MEDIUM);
    Reply other = pool.take(MEDIUM);
    CompletableFuture<Reply> large = new CompletableFuture<>();
    Thread taker =
        Thread.ofVirtual()
            .start(() -> {
              try {
                large.complete(pool.take(LARGE));
              } catch (InterruptedException e) {
                large.completeExceptionally(e);
              }
            });
    while (taker.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertThat(large).isNotDone();
    pool.give(pool.take(100));
    pool.give(medium);
    assertThat(large.get(10, TimeUnit.SECONDS).capacityBytes()).isEqualTo(LARGE);
    assertThat(pool.takenBytes()).isEqualTo(LARGE + MEDIUM);
    pool.give(other);
    assertThat(pool.takenBytes()).isEqualTo(LARGE);
  }

  @Test
  void oneLargeOneCanAlwaysBeHad() throws Exception {
    assertThat(new ReplyPool(LARGE, 1).take(LARGE).capacityBytes()).isEqualTo(LARGE);
  }

  @Test
  void whatIsTooManyToKeepIsFreed() throws Exception {
    assertThat(kept(MEDIUM, 100)).isEqualTo(32);
    assertThat(kept(LARGE, 10)).isEqualTo(4);
  }

  private static long kept(int bytes, int count) throws Exception {
    ReplyPool pool = new ReplyPool(LARGE, (long) count * bytes);
    List<Reply> taken = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      taken.add(pool.take(bytes));
    }
    taken.forEach(pool::give);
    assertThat(pool.takenBytes()).isZero();
    return taken.stream().filter(reply -> reply.payload().scope().isAlive()).count();
  }

  @Test
  void moreThanTheLargeSizeIsRefused() {
    ReplyPool pool = new ReplyPool(LARGE, LARGE);
    assertThatThrownBy(() -> pool.take(LARGE + 1)).isInstanceOf(IllegalArgumentException.class);
    assertThat(pool.takenBytes()).isZero();
  }
}
