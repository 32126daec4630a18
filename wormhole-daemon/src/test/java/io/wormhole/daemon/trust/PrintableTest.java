package io.wormhole.daemon.trust;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PrintableTest {
  @Test
  void whatShowsStays() {
    assertThat(Printable.of(" Zoë 写真 😀 a\u0301 ", 100)).isEqualTo("Zoë 写真 😀 a\u0301");
  }

  @Test
  void whatDoesNotShowGoes() {
    assertThat(Printable.of("a\u0000\u001b\u007f\u009b\u200e\u202e\u2028\ufeff\ue000\ud800b", 100))
        .isEqualTo("ab");
  }

  @Property
  void anyTextComesOutFitAndWithinItsBound(
      @ForAll String text, @ForAll @IntRange(max = 64) int maxBytes) {
    String shown = Printable.of(text, maxBytes);
    assertThat(shown.getBytes(UTF_8).length).isLessThanOrEqualTo(maxBytes);
    assertThat(shown.codePoints()).noneMatch(Character::isISOControl);
    assertThat(Printable.of(shown, maxBytes)).isEqualTo(shown);
  }
}
