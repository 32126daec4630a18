package io.wormhole.protocol.join;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.wormhole.protocol.join.JoinCodeException.Problem;
import java.security.SecureRandom;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JoinCodeTest {
  private static final String ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  private static final String VALID = "7KQ2-M4XR-9TD2";

  @Test
  void showsTheNameplateInFourSymbolsAndHidesTheRest() throws JoinCodeException {
    JoinCode code = JoinCode.parse(VALID);
    assertThat(code.format()).isEqualTo(VALID);
    assertThat(code.masked()).isEqualTo("7KQ2-****-****");
    assertThat(code).hasToString("7KQ2-****-****");
    assertThat(code.nameplate()).isEqualTo(((7 * 32 + 19) * 32 + 23) * 32 + 2);
    assertThat(code.secret()).isEqualTo("M4XR9TD".getBytes(US_ASCII));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "7kq2m4xr9td2",
        "7KQ2 M4XR 9TD2",
        " 7KQ2-M4XR-9TD2\n",
        "7KQ2\u2013M4XR\u2014\u00a09TD2",
        "7-K-Q-2-M-4-X-R-9-T-D-2"
      })
  void isReadAsPeopleWriteIt(String written) throws JoinCodeException {
    assertThat(JoinCode.parse(written)).isEqualTo(JoinCode.parse(VALID));
  }

  @ParameterizedTest
  @CsvSource({"0,O", "0,o", "1,I", "1,i", "1,L", "1,l"})
  void readsLettersThatLookLikeDigitsAsTheDigits(String digit, String letter)
      throws JoinCodeException {
    JoinCode code = containing(digit);
    assertThat(JoinCode.parse(code.format().replace(digit, letter))).isEqualTo(code);
  }

  @ParameterizedTest
  @CsvSource({
    "'', LENGTH",
    "7KQ2-M4XR-9TD, LENGTH",
    "7KQ2-M4XR-9TD2-0, LENGTH",
    "7KQ2-M4XR-9TDU, SYMBOL",
    "7KQ2-M4XR-9TD!, SYMBOL",
    "7KQ2-M4XR-9TDé, SYMBOL",
    "7KQ2-M4XR-9TD3, CHECK"
  })
  void whatIsNoCodeIsToldApart(String text, Problem problem) {
    JoinCodeException refused =
        catchThrowableOfType(JoinCodeException.class, () -> JoinCode.parse(text));
    assertThat(refused.problem()).isEqualTo(problem);
  }

  @Test
  void aRefusalIsOneLineAndTellsNothingOfTheSecret() {
    assertThatThrownBy(() -> JoinCode.parse("ABCD-EFGH-JKM\u0007"))
        .message()
        .contains("U+0007")
        .doesNotContain("EFGH", "\u0007", "\n");
    assertThatThrownBy(() -> JoinCode.parse("7KQ2-M4XR-9TD3"))
        .message()
        .doesNotContain("M4XR", "9TD3", "\n");
  }

  @Property
  void whatIsFormattedIsReadBack(@ForAll("codes") JoinCode code) throws JoinCodeException {
    JoinCode read = JoinCode.parse(code.format());
    assertThat(read).isEqualTo(code).hasSameHashCodeAs(code);
    assertThat(read.nameplate()).isEqualTo(code.nameplate()).isBetween(0, JoinCode.NAMEPLATES - 1);
    assertThat(code.toString()).doesNotContain(new String(code.secret(), US_ASCII));
  }

  @Property(tries = 200)
  void everySingleWrongSymbolIsCaught(
      @ForAll("codes") JoinCode code, @ForAll @IntRange(max = JoinCode.SYMBOLS - 1) int at) {
    char[] symbols = code.format().replace("-", "").toCharArray();
    char right = symbols[at];
    for (int i = 0; i < ALPHABET.length(); i++) {
      char wrong = ALPHABET.charAt(i);
      if (wrong != right) {
        symbols[at] = wrong;
        assertMistyped(symbols);
      }
    }
  }

  @Property(tries = 200)
  void everySwapOfTwoSymbolsIsCaught(@ForAll("codes") JoinCode code) {
    for (int i = 0; i < JoinCode.SYMBOLS; i++) {
      for (int j = 0; j < i; j++) {
        char[] symbols = code.format().replace("-", "").toCharArray();
        if (symbols[i] != symbols[j]) {
          char kept = symbols[i];
          symbols[i] = symbols[j];
          symbols[j] = kept;
          assertMistyped(symbols);
        }
      }
    }
  }

  @Test
  void nameplatesAndSecretsUseAllTheirBits() {
    SecureRandom random = new SecureRandom();
    int nameplateBits = 0;
    boolean[][] seen = new boolean[7][128];
    for (int i = 0; i < 2000; i++) {
      JoinCode code = JoinCode.generate(random);
      nameplateBits |= code.nameplate();
      byte[] secret = code.secret();
      for (int at = 0; at < secret.length; at++) {
        seen[at][secret[at]] = true;
      }
    }
    assertThat(nameplateBits).isEqualTo(JoinCode.NAMEPLATES - 1);
    for (boolean[] position : seen) {
      for (int i = 0; i < ALPHABET.length(); i++) {
        assertThat(position[ALPHABET.charAt(i)]).isTrue();
      }
    }
  }

  @Provide
  Arbitrary<JoinCode> codes() {
    return Arbitraries.randomValue(random -> {
      SecureRandom secure = new SecureRandom();
      return JoinCode.generate(secure);
    });
  }

  private static JoinCode containing(String symbol) {
    SecureRandom random = new SecureRandom();
    JoinCode code = JoinCode.generate(random);
    while (!code.format().contains(symbol)) {
      code = JoinCode.generate(random);
    }
    return code;
  }

  private static void assertMistyped(char[] symbols) {
    JoinCodeException refused =
        catchThrowableOfType(
            JoinCodeException.class, () -> JoinCode.parse(String.valueOf(symbols)));
    assertThat(refused).isNotNull();
    assertThat(refused.problem()).isEqualTo(Problem.CHECK);
  }
}
