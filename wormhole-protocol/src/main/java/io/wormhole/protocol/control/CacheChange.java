package io.wormhole.protocol.control;

import io.wormhole.protocol.control.StatusAnswer.CacheStatus;
import java.util.Objects;

/**
 * What became of a cache.
 *
 * @param dropped how many chunks it holds no more
 * @param cache as it is now
 */
public record CacheChange(long dropped, CacheStatus cache) {
  public CacheChange {
    Objects.requireNonNull(cache, "cache");
  }
}
