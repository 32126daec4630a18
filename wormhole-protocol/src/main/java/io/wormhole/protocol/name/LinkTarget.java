package io.wormhole.protocol.name;

import io.wormhole.protocol.wire.Limits;

/**
 * Which symbolic links are shown. The host asks before it shows one, and the mount asks again.
 *
 * <p>A link is shown if its text alone proves that it stays in the share: it is relative, its
 * {@code ..} stand only in front, and there are no more of them than folders above the link. A
 * {@code ..} behind a name proves nothing, because that name may be a link itself.
 */
public final class LinkTarget {
  private LinkTarget() {}

  /**
   * Whether a link is shown.
   *
   * @param target the link's text, in bytes of no particular encoding; 1 to 4095 of them, no NUL
   * @param depthOfLink how many folders of the share are above the link, the share's root not
   *     counted: 0 for a link in the root
   * @throws IllegalArgumentException if the depth is negative
   */
  public static boolean isShown(byte[] target, int depthOfLink) {
    if (depthOfLink < 0) {
      throw new IllegalArgumentException("link at depth " + depthOfLink);
    }
    if (target.length == 0 || target.length > Limits.LINK_TARGET_BYTES || target[0] == '/') {
      return false;
    }
    int parents = 0;
    boolean named = false;
    int start = 0;
    for (int i = 0; i <= target.length; i++) {
      if (i < target.length && target[i] != '/') {
        if (target[i] == 0) {
          return false;
        }
        continue;
      }
      switch (kind(target, start, i)) {
        case SAME_FOLDER -> {}
        case PARENT -> {
          parents++;
          if (named || parents > depthOfLink) {
            return false;
          }
        }
        case NAME -> named = true;
      }
      start = i + 1;
    }
    return true;
  }

  private enum Component {
    SAME_FOLDER,
    PARENT,
    NAME
  }

  /** Two separators in a row, or one at the end, mean the same as a dot between or behind them. */
  private static Component kind(byte[] target, int from, int to) {
    return switch (to - from) {
      case 0 -> Component.SAME_FOLDER;
      case 1 -> target[from] == '.' ? Component.SAME_FOLDER : Component.NAME;
      case 2 -> target[from] == '.' && target[from + 1] == '.' ? Component.PARENT : Component.NAME;
      default -> Component.NAME;
    };
  }
}
