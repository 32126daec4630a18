package io.wormhole.cache;

import io.wormhole.cache.ram.Chunk;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/** A claim to a chunk that was there. */
final class ReadyChunk implements PendingChunk {
  private final Chunk chunk;
  private final AtomicBoolean settled = new AtomicBoolean();

  /** Takes over one reference. */
  ReadyChunk(Chunk chunk) {
    this.chunk = chunk;
  }

  @Override
  public boolean isDone() {
    return true;
  }

  @Override
  public Chunk await(Duration atMost) {
    if (!settled.compareAndSet(false, true)) {
      throw new IllegalStateException("a claim to a chunk was settled twice");
    }
    return chunk;
  }

  @Override
  public void abandon() {
    if (settled.compareAndSet(false, true)) {
      chunk.release();
    }
  }
}
