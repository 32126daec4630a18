package io.wormhole.protocol.join;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class PakeSecretTest {
  /** Made by another Argon2id (the reference implementation's), reduced by another big integer. */
  @Test
  void isWhatAnotherImplementationComputes() throws JoinCodeException {
    assertThat(HexFormat.of().formatHex(PakeSecret.of(JoinCode.parse("7KQ2-M4XR-9TD2")).bytes()))
        .isEqualTo("f3db7f3b7bbcdd8cf04e02dbc706c19d8476ba4fdd02ee0e7fdf8e816c16ed1e");
  }

  @Test
  void dependsOnNameplateAndSecret() throws JoinCodeException {
    byte[] one = PakeSecret.of(code("7KQ2M4XR9TD")).bytes();
    assertThat(PakeSecret.of(code("7KQ3M4XR9TD")).bytes()).isNotEqualTo(one);
    assertThat(PakeSecret.of(code("7KQ2M4XR9TE")).bytes()).isNotEqualTo(one);
    assertThat(PakeSecret.of(code("7KQ2M4XR9TD")).bytes()).isEqualTo(one);
  }

  @Test
  void aCopyOutlivesTheOriginal() throws JoinCodeException {
    PakeSecret original = PakeSecret.of(code("7KQ2M4XR9TD"));
    byte[] before = original.bytes();
    PakeSecret copy = original.copy();
    original.close();
    assertThat(copy.bytes()).isEqualTo(before);
    assertThatThrownBy(original::copy).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(original::bytes).isInstanceOf(IllegalStateException.class);
  }

  private static JoinCode code(String data) throws JoinCodeException {
    byte[] values = new byte[data.length()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (byte) Symbols.value(data.charAt(i));
    }
    return JoinCode.parse(data + Symbols.symbol(Symbols.check(values, values.length)));
  }
}
