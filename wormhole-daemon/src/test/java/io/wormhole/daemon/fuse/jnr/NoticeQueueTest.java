package io.wormhole.daemon.fuse.jnr;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.fuse.mounts.FaultLog;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Notices wait for the kernel, and nobody for them. */
class NoticeQueueTest {
  private static final int LIMIT = 4;

  private final CountDownLatch gate = new CountDownLatch(1);
  private final CountDownLatch inKernel = new CountDownLatch(1);
  private final List<Notice> told = Collections.synchronizedList(new ArrayList<>());
  private final NoticeQueue queue =
      new NoticeQueue(this::tell, new FaultLog(System::nanoTime), LIMIT);

  /** As the kernel does with a notice of a folder that is being looked up in. */
  private void tell(Notice notice) {
    told.add(notice);
    inKernel.countDown();
    try {
      gate.await();
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void whatWaitsIsTakenInOnceAndNoMoreThanTheLimit() throws Exception {
    Notice first = Notice.ofInode(1);
    assertThat(queue.add(first)).isTrue();
    inKernel.await();
    assertThat(queue.add(first)).as("the change is newer than what is told now").isTrue();
    for (int i = 2; i <= LIMIT; i++) {
      assertThat(queue.add(Notice.ofName(i, "name"))).isTrue();
    }
    assertThat(queue.add(Notice.ofInode(LIMIT + 1))).isFalse();
    assertThat(queue.add(Notice.ofName(2, "name"))).as("it waits already").isTrue();
    gate.countDown();
    while (!queue.add(Notice.ofInode(LIMIT + 2))) {
      Thread.onSpinWait();
    }
    while (told.size() < LIMIT + 2) {
      Thread.onSpinWait();
    }
    assertThat(queue.end()).isTrue();
    assertThat(told)
        .containsExactly(
            first,
            first,
            Notice.ofName(2, "name"),
            Notice.ofName(3, "name"),
            Notice.ofName(4, "name"),
            Notice.ofInode(LIMIT + 2));
    assertThat(queue.add(first)).as("it is over").isFalse();
  }
}
