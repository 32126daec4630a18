package io.wormhole.daemon.host;

import io.wormhole.daemon.host.ShareException.Kind;
import io.wormhole.protocol.name.DisplayName;
import io.wormhole.protocol.wire.Limits;

/** What a share is called: it becomes a folder's name on other machines. */
final class ShareName {
  private static final String OF_THE_ROOT = "root";

  private ShareName() {}

  /** A name that a person chose, if it can be one. */
  static String chosen(String name) throws ShareException {
    try {
      return new DisplayName(name).text();
    } catch (IllegalArgumentException unfit) {
      throw new ShareException(
          Kind.BAD_NAME,
          "a share cannot be called that: its name becomes a folder's on other machines",
          "choose a name of at most %d bytes without slash or control character, and neither dash nor dot in front"
              .formatted(Limits.DISPLAY_NAME_BYTES));
    }
  }

  /** The folder's own name, made fit. */
  static String of(String directory) {
    String last = directory.substring(directory.lastIndexOf('/') + 1);
    return DisplayName.of(last, OF_THE_ROOT).text();
  }
}
