package io.wormhole.cache;

import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.disk.PageKey;
import io.wormhole.cache.disk.PinRound;
import io.wormhole.protocol.hash.ChunkHash;
import java.lang.foreign.MemorySegment;

/**
 * One look of a pin at all the chunks it should have on this disk. Blocks on the disk; any platform
 * thread, which must not be interrupted.
 */
public final class PinnedChunks {
  /** Chunks of a file that are asked for at once by {@link #isWhole} and {@link #holdWhole}. */
  public static final int PAGE_CHUNKS = PageKey.CHUNKS;

  private final DiskTier tier;
  private final PinRound round;

  PinnedChunks(DiskTier tier, int pin) {
    this.tier = tier;
    this.round = tier.pinRound(pin);
  }

  /**
   * Whether all chunks of the page of the file in which this one stands are pinned already: then
   * there is no more to do for them.
   */
  public boolean isWhole(ChunkKey chunk) {
    return round.isWhole(DiskKeys.page(chunk));
  }

  /**
   * Pins a chunk.
   *
   * @return whether it is there
   */
  public boolean hold(ChunkKey chunk) {
    return round.hold(DiskKeys.page(chunk), DiskKeys.indexInPage(chunk));
  }

  /**
   * Keeps a chunk, pinned.
   *
   * @param bytes all of it, which were found to be what the hash says
   * @return false if there is no room for more that is pinned, or the disk refuses
   */
  public boolean put(ChunkKey chunk, ChunkHash hash, MemorySegment bytes) {
    boolean alone = DiskKeys.isAlone(chunk, bytes.byteSize());
    boolean done = round.put(DiskKeys.page(chunk), DiskKeys.indexInPage(chunk), alone, hash, bytes);
    if (done && !alone) {
      FileVersion file = chunk.file();
      tier.noteVersion(DiskKeys.file(file), file.versionHigh(), file.versionLow());
    }
    return done;
  }

  /**
   * Every chunk of the page in which this one stands is pinned.
   *
   * @return false if that is not so any more
   */
  public boolean holdWhole(ChunkKey chunk) {
    return round.holdWhole(DiskKeys.page(chunk));
  }

  /** All has been seen: what was not is not pinned any more. */
  public void complete() {
    round.complete();
  }
}
