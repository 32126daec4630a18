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
  /** Chunks of a file that are asked for at once by {@link #isWhole} and {@link #holdPage}. */
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
    boolean done = put(chunk, alone, hash, bytes, false);
    if (done && !alone) {
      FileVersion file = chunk.file();
      tier.noteVersion(DiskKeys.file(file), file.versionHigh(), file.versionLow());
    }
    return done;
  }

  /**
   * Keeps what tells of names, pinned.
   *
   * @return as {@link #put}
   */
  public boolean putName(ChunkKey name, ChunkHash hash, MemorySegment bytes) {
    return put(name, true, hash, bytes, true) && holdPage(name, 1);
  }

  private boolean put(
      ChunkKey chunk, boolean alone, ChunkHash hash, MemorySegment bytes, boolean name) {
    return round.put(DiskKeys.page(chunk), DiskKeys.indexInPage(chunk), alone, hash, bytes, name);
  }

  /**
   * The page in which this chunk stands is the pin's, and what is there of it is pinned.
   *
   * @param chunks how many there are in the page
   * @return whether they are all there
   */
  public boolean holdPage(ChunkKey chunk, int chunks) {
    return round.holdPage(DiskKeys.page(chunk), chunks);
  }

  /** Whether the disk has refused something, and more may be there than was met. */
  public boolean wasRefused() {
    return round.wasRefused();
  }

  /** All has been seen: what was not is not pinned any more. */
  public void complete() {
    round.complete();
  }
}
