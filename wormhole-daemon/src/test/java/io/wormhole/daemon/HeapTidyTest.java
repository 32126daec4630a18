package io.wormhole.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HeapTidyTest {
  private static final long MB = 1 << 20;

  private long usedBytes = 10 * MB;
  private int collections;

  private final HeapTidy tidy =
      new HeapTidy(
          new HeapTidy.Heap() {
            @Override
            public long usedBytes() {
              return usedBytes;
            }

            @Override
            public void collect() {
              collections++;
              usedBytes = 12 * MB;
            }
          },
          0);

  private void tickAt(long seconds) {
    tidy.tick(TimeUnit.SECONDS.toNanos(seconds));
  }

  @Test
  void littleGarbageIsLeft() {
    usedBytes = 29 * MB;
    tickAt(100);
    assertThat(collections).isZero();
  }

  @Test
  void muchGarbageIsCollected() {
    usedBytes = 31 * MB;
    tickAt(100);
    assertThat(collections).isEqualTo(1);
    tickAt(200);
    assertThat(collections).isEqualTo(1);
    usedBytes = 33 * MB;
    tickAt(201);
    assertThat(collections).isEqualTo(2);
  }

  @Test
  void collectionsAreHalfAMinuteApart() {
    usedBytes = 50 * MB;
    tickAt(1);
    assertThat(collections).as("what a start leaves does not wait").isEqualTo(1);
    usedBytes = 50 * MB;
    tickAt(30);
    assertThat(collections).isEqualTo(1);
    tickAt(31);
    assertThat(collections).isEqualTo(2);
  }

  @Test
  void whatACollectionOfOthersLeavesCountsToo() {
    usedBytes = 5 * MB;
    tickAt(1);
    usedBytes = 26 * MB;
    tickAt(100);
    assertThat(collections).isEqualTo(1);
  }
}
