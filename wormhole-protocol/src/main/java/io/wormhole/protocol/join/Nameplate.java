package io.wormhole.protocol.join;

/** The public part of a code as text: four symbols of Crockford's base 32. */
public final class Nameplate {
  /** Characters of a nameplate. */
  public static final int SYMBOLS = 4;

  private static final int BITS_PER_SYMBOL = 5;
  private static final int SYMBOL_MASK = (1 << BITS_PER_SYMBOL) - 1;

  private Nameplate() {}

  /**
   * Four capital letters and digits.
   *
   * @param nameplate 0 to {@link JoinCode#NAMEPLATES} less one
   */
  public static String format(int nameplate) {
    StringBuilder text = new StringBuilder(SYMBOLS);
    for (int i = SYMBOLS - 1; i >= 0; i--) {
      text.append(Symbols.symbol((nameplate >> (i * BITS_PER_SYMBOL)) & SYMBOL_MASK));
    }
    return text.toString();
  }

  /**
   * Reads what {@link #format} wrote.
   *
   * @return the nameplate, or −1 if the text is none
   */
  public static int parse(String text) {
    int nameplate = 0;
    for (int i = 0; i < text.length(); i++) {
      int value = Symbols.value(text.charAt(i));
      if (value < 0) {
        return -1;
      }
      nameplate = (nameplate << BITS_PER_SYMBOL) | value;
    }
    return text.length() == SYMBOLS ? nameplate : -1;
  }
}
