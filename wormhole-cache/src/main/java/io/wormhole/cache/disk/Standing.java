package io.wormhole.cache.disk;

import java.util.Optional;

/** How content stands in the cache. */
enum Standing {
  /** New: it goes first. */
  PROBATION(0),
  /** It was read again after it had come. */
  PROVEN(1),
  /** It is kept until it is unpinned. */
  PINNED(2);

  private final int code;

  Standing(int code) {
    this.code = code;
  }

  /** What stands for it on disk. */
  int code() {
    return code;
  }

  static Optional<Standing> of(int code) {
    for (Standing standing : values()) {
      if (standing.code == code) {
        return Optional.of(standing);
      }
    }
    return Optional.empty();
  }
}
