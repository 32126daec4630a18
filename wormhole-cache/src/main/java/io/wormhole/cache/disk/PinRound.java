package io.wormhole.cache.disk;

import io.wormhole.protocol.hash.ChunkHash;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * One look of a pin at everything it should have. Blocks on the disk; any platform thread, which
 * must not be interrupted.
 */
public final class PinRound {
  private final DiskTier tier;
  private final int pin;

  // All guarded by the tier.
  private final BitSet met = new BitSet();
  private @Nullable Pins pins;
  private int epoch;

  PinRound(DiskTier tier, int pin) {
    this.tier = tier;
    this.pin = pin;
  }

  /** Whether a page of the pin is known to be whole; such a one needs no more than this. */
  public boolean isWhole(PageKey page) {
    return tier.change(false, now -> meet(now.pins(), now.pins().whole(pin, page)));
  }

  /**
   * Pins a chunk.
   *
   * @return whether it is there
   */
  public boolean hold(PageKey page, int index) {
    return tier.change(false, now -> now.pins().hold(page, index));
  }

  /**
   * Keeps a chunk, pinned.
   *
   * @param bytes as in {@link DiskTier#put}
   * @return false if there is no room for more that is pinned, or the disk refuses
   */
  public boolean put(PageKey page, int index, boolean alone, ChunkHash hash, MemorySegment bytes) {
    return tier.putPinned(page, index, alone, hash, bytes);
  }

  /** Every chunk of a page is there and pinned: the page is the pin's. */
  public boolean holdWhole(PageKey page) {
    return tier.change(false, now -> meet(now.pins(), now.pins().holdWhole(pin, page)));
  }

  /** The look is over, and all has been seen: what was not met is not the pin's any more. */
  public void complete() {
    boolean _ =
        tier.change(
            false,
            now -> {
              if (begun(now.pins())) {
                now.pins().release(pin, met);
              }
              return true;
            });
  }

  private boolean meet(Pins now, OptionalInt number) {
    if (number.isPresent() && begun(now)) {
      met.set(number.getAsInt());
    }
    return number.isPresent();
  }

  /** Whether what was met before is there yet: the cache may have been cleared. */
  private boolean begun(Pins now) {
    if (pins == null) {
      pins = now;
      epoch = now.epoch();
    }
    return now.equals(pins) && now.epoch() == epoch;
  }
}
