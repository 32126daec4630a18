package io.wormhole.protocol.join;

/**
 * The 32 symbols of Crockford's base 32 as elements of GF(32), and the check symbol over them.
 *
 * <p>The field is GF(2)[x] modulo x^5 + x^2 + 1, in which alpha = x is a generator of order 31. The
 * check symbol is the sum of alpha^i · d_i for the symbols d_1 to d_11, so the twelve symbols of a
 * code stand under twelve different factors (the check symbol under alpha^0). One wrong symbol
 * changes the sum, and so does the exchange of any two that differ.
 */
final class Symbols {
  private static final String ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

  /** Of a symbol. */
  static final int BITS = 5;

  static final int MASK = (1 << BITS) - 1;

  private static final int REDUCTION = 0b100101;
  private static final int OVERFLOW = 1 << BITS;

  private Symbols() {}

  /** The letter or digit of a value 0 to 31. */
  static char symbol(int value) {
    return ALPHABET.charAt(value);
  }

  /** The value 0 to 31 of a letter or digit as people write them, or -1. */
  static int value(int character) {
    return switch (character) {
      case 'I', 'i', 'L', 'l' -> 1;
      case 'O', 'o' -> 0;
      default -> character < 0x80 ? ALPHABET.indexOf(Character.toUpperCase(character)) : -1;
    };
  }

  /** The check symbol's value over the first {@code count} of {@code values}. */
  static int check(byte[] values, int count) {
    int sum = 0;
    int power = 1;
    for (int i = 0; i < count; i++) {
      power = times(power, 2);
      sum ^= times(power, values[i]);
    }
    return sum;
  }

  private static int times(int a, int b) {
    int product = 0;
    int shifted = a;
    for (int bits = b; bits != 0; bits >>= 1) {
      if ((bits & 1) != 0) {
        product ^= shifted;
      }
      shifted <<= 1;
      if ((shifted & OVERFLOW) != 0) {
        shifted ^= REDUCTION;
      }
    }
    return product;
  }
}
