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
  private volatile boolean refused;

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
    return asked(now -> meet(now.pins(), now.pins().whole(pin, page)));
  }

  /**
   * Pins a chunk.
   *
   * @return whether it is there, and there is room for it
   */
  public boolean hold(PageKey page, int index) {
    return asked(now -> now.pins().hold(page, index, tier.pinnableBytes()));
  }

  /**
   * Keeps a chunk, pinned.
   *
   * @param bytes as in {@link DiskTier#put}
   * @param name whether it tells of names, for which there is more room than for what they stand
   *     for
   * @return false if there is no room for more that is pinned, or the disk refuses
   */
  public boolean put(
      PageKey page, int index, boolean alone, ChunkHash hash, MemorySegment bytes, boolean name) {
    return asked(now -> tier.putPinned(now, page, index, alone, hash, bytes, name));
  }

  /**
   * A page is the pin's, and what is there of it is pinned.
   *
   * @param chunks how many there are in it
   * @return whether they are all there
   */
  public boolean holdPage(PageKey page, int chunks) {
    return asked(now -> {
      OptionalInt number =
          now.pins().holdPage(pin, page, chunks, tier.pinnableBytes(), tier.pinnableNameBytes());
      return meet(now.pins(), number) && now.pins().isWhole(number.getAsInt());
    });
  }

  /** Whether the disk has refused something: then more is there than was met. */
  public boolean wasRefused() {
    return refused;
  }

  /**
   * The look is over, and all has been seen: what was not met is not the pin's any more. Does
   * nothing if the disk has refused something.
   */
  public void complete() {
    if (refused) {
      return;
    }
    boolean _ =
        asked(now -> {
          if (begun(now.pins())) {
            now.pins().release(each -> each == pin, met);
          }
          return true;
        });
  }

  private boolean asked(DiskTier.Change<Boolean> question) {
    Boolean answer = tier.change(question);
    if (answer == null) {
      refused = true;
      return false;
    }
    return answer;
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
