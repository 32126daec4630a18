package io.wormhole.protocol.name;

import io.wormhole.protocol.wire.Limits;
import java.nio.charset.StandardCharsets;

/**
 * What a peer or a share is called, made fit to be shown on a terminal and to be a folder's name.
 * It proves nothing about who the peer is.
 *
 * <p>1 to 128 bytes of UTF-8; no control, format (bidirectional overrides among them), unassigned
 * or private character, no line or paragraph separator, no space but U+0020, no {@code /}; neither
 * {@code -} nor {@code .} nor a space in front, no space behind.
 *
 * @param text the name
 */
public record DisplayName(String text) {
  /**
   * A name that is fit already.
   *
   * @throws IllegalArgumentException if it is not
   */
  public DisplayName {
    if (text.isEmpty() || !text.equals(fit(text))) {
      throw new IllegalArgumentException("not fit to be shown as a name");
    }
  }

  /**
   * Makes a name fit. What is not seen is dropped, what cannot be shown becomes {@code ?}, what is
   * too long is cut between two characters.
   *
   * @param given what the peer says; any text
   * @param fallback taken when nothing of it is left; fit already
   */
  public static DisplayName of(String given, String fallback) {
    String fit = fit(given);
    return new DisplayName(fit.isEmpty() ? fallback : fit);
  }

  @Override
  public String toString() {
    return text;
  }

  private static String fit(String given) {
    StringBuilder fit = new StringBuilder();
    int bytes = 0;
    for (int i = 0; i < given.length(); ) {
      int character = given.codePointAt(i);
      i += Character.charCount(character);
      String shown = shown(character);
      if (fit.isEmpty() && (shown.equals(" ") || shown.equals("-") || shown.equals("."))) {
        continue;
      }
      bytes += shown.getBytes(StandardCharsets.UTF_8).length;
      if (bytes > Limits.DISPLAY_NAME_BYTES) {
        break;
      }
      fit.append(shown);
    }
    return fit.toString().stripTrailing();
  }

  private static String shown(int character) {
    return switch (Character.getType(character)) {
      case Character.FORMAT -> "";
      case Character.SPACE_SEPARATOR -> " ";
      case Character.CONTROL,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          "?";
      default -> character == '/' ? "?" : Character.toString(character);
    };
  }
}
