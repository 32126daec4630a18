package io.wormhole.protocol.join;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class NameplateTest {
  @Property
  void textIsReadBack(@ForAll @IntRange(max = JoinCode.NAMEPLATES - 1) int nameplate) {
    assertThat(Nameplate.format(nameplate)).hasSize(Nameplate.SYMBOLS);
    assertThat(Nameplate.parse(Nameplate.format(nameplate))).isEqualTo(nameplate);
  }

  @Property
  void anyOtherTextIsNone(@ForAll String text) {
    int nameplate = Nameplate.parse(text);
    assertThat(nameplate).isBetween(-1, JoinCode.NAMEPLATES - 1);
    if (text.length() != Nameplate.SYMBOLS) {
      assertThat(nameplate).isEqualTo(-1);
    }
  }

  @Test
  void itIsHowACodeBegins() {
    JoinCode code = JoinCode.generate(new SecureRandom());
    assertThat(code.format()).startsWith(Nameplate.format(code.nameplate()));
  }
}
