package io.wormhole.protocol.join;

import io.wormhole.protocol.join.JoinCodeException.Problem;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * A join code, {@code NNNN-SSSS-SSSC} in Crockford's base 32: four symbols of nameplate (20 bits,
 * public, all that a look-up may ever see), seven of secret (35 bits), one check symbol.
 *
 * <p>Immutable. Only {@link #format} and {@link #secret} give the secret away; {@link #toString} is
 * {@link #masked}, so that a code in a log line or a message is harmless.
 */
public final class JoinCode implements Invitation {
  /** Values a nameplate may have: 0 to this, less one. */
  public static final int NAMEPLATES = 1 << 20;

  /** Symbols of a code, without dashes. */
  public static final int SYMBOLS = 12;

  private static final int NAMEPLATE_SYMBOLS = 4;
  private static final int SECRET_SYMBOLS = 7;
  private static final int DATA_SYMBOLS = NAMEPLATE_SYMBOLS + SECRET_SYMBOLS;
  private static final int GROUP_SYMBOLS = 4;
  private static final String EXAMPLE = "a code looks like 7KQ2-M4XR-9TD2";

  /** Twelve values of 0 to 31. */
  private final byte[] values;

  private JoinCode(byte[] values) {
    this.values = values;
  }

  /** A code nobody can foresee. */
  public static JoinCode generate(SecureRandom random) {
    byte[] values = new byte[SYMBOLS];
    random.nextBytes(values);
    for (int i = 0; i < DATA_SYMBOLS; i++) {
      values[i] &= Symbols.MASK;
    }
    values[DATA_SYMBOLS] = (byte) Symbols.check(values, DATA_SYMBOLS);
    return new JoinCode(values);
  }

  /**
   * Reads a code as people write it: in any case, I and L for 1, O for 0, dashes and spaces of any
   * kind anywhere or nowhere.
   *
   * @throws JoinCodeException with what is wrong, for one line to a person
   */
  public static JoinCode parse(String text) throws JoinCodeException {
    byte[] values = new byte[SYMBOLS];
    int count = 0;
    for (int character : text.codePoints().filter(JoinCode::counts).toArray()) {
      int value = Symbols.value(character);
      if (value < 0) {
        throw new JoinCodeException(
            Problem.SYMBOL,
            "a join code has no %s; %s, without the letter U"
                .formatted(describe(character), EXAMPLE));
      }
      if (count < SYMBOLS) {
        values[count] = (byte) value;
      }
      count++;
    }
    if (count != SYMBOLS) {
      throw new JoinCodeException(
          Problem.LENGTH,
          "a join code has %d letters and digits, this one has %d; %s"
              .formatted(SYMBOLS, count, EXAMPLE));
    }
    if (values[DATA_SYMBOLS] != Symbols.check(values, DATA_SYMBOLS)) {
      throw new JoinCodeException(
          Problem.CHECK,
          "the join code was mistyped: its letters and digits do not fit together; compare it with"
              + " the host's");
    }
    return new JoinCode(values);
  }

  /** Whether somebody who types this means a code: one, or one with mistakes in it. */
  public static boolean looksLikeOne(String text) {
    try {
      parse(text);
      return true;
    } catch (JoinCodeException no) {
      return no.problem() == Problem.CHECK;
    }
  }

  @Override
  public int nameplate() {
    int nameplate = 0;
    for (int i = 0; i < NAMEPLATE_SYMBOLS; i++) {
      nameplate = nameplate << Symbols.BITS | values[i];
    }
    return nameplate;
  }

  /** The seven secret symbols in ASCII, capital letters. A copy that the caller wipes. */
  @Override
  public byte[] secret() {
    byte[] secret = new byte[SECRET_SYMBOLS];
    for (int i = 0; i < SECRET_SYMBOLS; i++) {
      secret[i] = (byte) Symbols.symbol(values[NAMEPLATE_SYMBOLS + i]);
    }
    return secret;
  }

  @Override
  public String format() {
    StringBuilder text = new StringBuilder(SYMBOLS + 2);
    for (int i = 0; i < SYMBOLS; i++) {
      if (i > 0 && i % GROUP_SYMBOLS == 0) {
        text.append('-');
      }
      text.append(Symbols.symbol(values[i]));
    }
    return text.toString();
  }

  /** The nameplate, and stars for the rest: {@code 7KQ2-****-****}. */
  @Override
  public String masked() {
    return masked(nameplate());
  }

  /** What {@link #masked} says of every code of a nameplate. */
  public static String masked(int nameplate) {
    return nameplateText(nameplate) + "-****-****";
  }

  /** The four symbols of a nameplate. */
  static String nameplateText(int nameplate) {
    StringBuilder text = new StringBuilder(NAMEPLATE_SYMBOLS);
    for (int i = NAMEPLATE_SYMBOLS - 1; i >= 0; i--) {
      text.append(Symbols.symbol((nameplate >> (i * Symbols.BITS)) & Symbols.MASK));
    }
    return text.toString();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof JoinCode that && MessageDigest.isEqual(values, that.values);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(values);
  }

  /** {@link #masked}. */
  @Override
  public String toString() {
    return masked();
  }

  private static boolean counts(int character) {
    return Character.getType(character) != Character.DASH_PUNCTUATION
        && !Character.isSpaceChar(character)
        && !Character.isWhitespace(character);
  }

  private static String describe(int character) {
    return character > ' ' && character < 0x7f
        ? "\"" + Character.toString(character) + "\""
        : "character U+%04X".formatted(character);
  }
}
