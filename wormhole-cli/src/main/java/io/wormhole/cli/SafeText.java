package io.wormhole.cli;

/** Text for a terminal. Names come from other machines: what they hold must not steer ours. */
final class SafeText {
  static final String BOLD = "\u001b[1m";
  static final String PLAIN = "\u001b[0m";

  private SafeText() {}

  /**
   * The text with every control and direction character, and every half of a surrogate pair, as a
   * question mark; only {@link #BOLD} and {@link #PLAIN} stay.
   */
  static String clean(String text) {
    StringBuilder clean = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); ) {
      int length = style(text, i);
      if (length > 0) {
        clean.append(text, i, i + length);
        i += length;
        continue;
      }
      int character = text.codePointAt(i);
      clean.appendCodePoint(isSafe(character) ? character : '?');
      i += Character.charCount(character);
    }
    return clean.toString();
  }

  /** The same for words of a peer, whose styles are not ours. */
  static String name(String text) {
    return clean(text.replace('\u001b', '?'));
  }

  private static int style(String text, int at) {
    if (text.startsWith(BOLD, at)) {
      return BOLD.length();
    }
    return text.startsWith(PLAIN, at) ? PLAIN.length() : 0;
  }

  private static boolean isSafe(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
