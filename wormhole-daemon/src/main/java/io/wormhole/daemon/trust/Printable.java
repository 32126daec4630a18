package io.wormhole.daemon.trust;

/**
 * Text of a peer, made fit for a terminal and a log: without control characters, line ends, marks
 * that turn the direction of text, and anything else that does not show; no longer than a bound.
 */
final class Printable {
  private Printable() {}

  /**
   * The text without what does not show, cut between two characters at {@code maxBytes} of UTF-8.
   */
  static String of(String fromPeer, int maxBytes) {
    StringBuilder shown = new StringBuilder();
    int bytes = 0;
    for (int i = 0; i < fromPeer.length(); ) {
      int character = fromPeer.codePointAt(i);
      i += Character.charCount(character);
      if (shows(character)) {
        bytes += utf8Bytes(character);
        if (bytes > maxBytes) {
          break;
        }
        shown.appendCodePoint(character);
      }
    }
    return shown.toString().strip();
  }

  private static boolean shows(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }

  private static int utf8Bytes(int character) {
    if (character < 0x80) {
      return 1;
    }
    if (character < 0x800) {
      return 2;
    }
    return character < 0x10000 ? 3 : 4;
  }
}
