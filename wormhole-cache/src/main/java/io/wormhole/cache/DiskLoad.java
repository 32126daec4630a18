package io.wormhole.cache;

import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.disk.DiskTier.Found;
import io.wormhole.cache.disk.PageKey;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A chunk from the disk or, if it is not there or the disk has it wait too long, from the network.
 * The disk never writes to the destination itself: however late it answers, it disturbs nobody.
 */
final class DiskLoad implements PendingLoad {
  private static final byte[] NONE = new byte[0];

  private final ChunkKey key;
  private final PageKey page;
  private final int index;
  private final MemorySegment destination;
  private final ChunkLoader network;
  private final CompletableFuture<Arrival> arrival = new CompletableFuture<>();

  /** Guarded by this: the disk may still bring it. */
  private boolean open = true;

  private boolean cancelled;
  private @Nullable PendingLoad further;
  private volatile boolean checked;

  /**
   * @param index in the page
   */
  DiskLoad(ChunkKey key, PageKey page, int index, MemorySegment destination, ChunkLoader network) {
    this.key = key;
    this.page = page;
    this.index = index;
    this.destination = destination;
    this.network = network;
  }

  @Override
  public CompletableFuture<Arrival> arrival() {
    return arrival;
  }

  /** Whether what has arrived was found to be what its hash says: it came from our own disk. */
  boolean isChecked() {
    return checked;
  }

  /**
   * Reads the disk, and goes on over the network if it is not there. Blocks.
   *
   * @param scratch of a chunk's size
   * @return whether the disk has answered in time
   */
  boolean read(DiskTier tier, MemorySegment scratch) {
    if (!isOpen()) {
      return false;
    }
    try {
      Optional<Found> found = tier.read(page, index, scratch);
      if (found.isPresent()) {
        return land(found.get(), scratch);
      }
    } catch (RuntimeException | Error failed) {
      if (giveUp()) {
        arrival.completeExceptionally(failed);
      }
      return false;
    }
    boolean inTime = giveUp();
    if (inTime) {
      overNetwork();
    }
    return inTime;
  }

  /** Does without the disk from now on; false if that has brought the chunk, or nobody wants it. */
  synchronized boolean giveUp() {
    boolean was = open;
    open = false;
    return was;
  }

  /** For once, after it was given up. */
  void overNetwork() {
    PendingLoad begun;
    try {
      begun = network.load(key, destination);
    } catch (RuntimeException | Error failed) {
      arrival.completeExceptionally(failed);
      return;
    }
    boolean late;
    synchronized (this) {
      further = begun;
      late = cancelled;
    }
    if (late) {
      begun.cancel();
    }
    var _ =
        begun
            .arrival()
            .whenComplete((come, failure) -> {
              if (failure != null) {
                arrival.completeExceptionally(failure);
              } else {
                arrival.complete(come);
              }
            });
  }

  @Override
  public void cancel() {
    boolean only;
    PendingLoad begun;
    synchronized (this) {
      cancelled = true;
      only = open;
      open = false;
      begun = further;
    }
    if (begun != null) {
      begun.cancel();
    } else if (only) {
      arrival.completeExceptionally(new CancellationException());
    }
  }

  private boolean land(Found found, MemorySegment scratch) {
    synchronized (this) {
      if (!open) {
        return false;
      }
      open = false;
      // Under the lock: whoever closes it may have the destination written to.
      MemorySegment.copy(scratch, 0, destination, 0, found.length());
    }
    checked = true;
    arrival.complete(new Arrival(found.length(), found.hash().bytes(), NONE, false));
    return true;
  }

  private synchronized boolean isOpen() {
    return open;
  }
}
