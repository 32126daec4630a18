package io.wormhole.protocol.name;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DisplayNameTest {
  @ParameterizedTest
  @ValueSource(strings = {"Photos", "Ana's notes (2)", "naïve", "写真", "😀", "a.b", "a-b", "?"})
  void fitNamesStayAsTheyAre(String given) {
    assertThat(DisplayName.of(given, "share").text()).isEqualTo(given);
    assertThat(new DisplayName(given)).hasToString(given);
  }

  @ParameterizedTest
  @CsvSource({
    "-rf, rf",
    "--help, help",
    ".hidden, hidden",
    ".., share",
    "-, share",
    "'  a  ', a",
    "'', share",
    "' - .x', x",
    "a/b, a?b",
    "/etc, ?etc"
  })
  void frontsThatMisleadAShellAreDropped(String given, String expected) {
    assertThat(DisplayName.of(given, "share").text()).isEqualTo(expected);
  }

  @Test
  void controlCharactersNeverReachATerminal() {
    assertThat(DisplayName.of("a\u001b[2Jb\nc\u009bd\u007f", "x").text()).isEqualTo("a?[2Jb?c?d?");
  }

  @Test
  void bidirectionalOverridesAreDropped() {
    assertThat(DisplayName.of("\u202ephoto\u2066gpj.exe\u200f\ufeff", "x").text())
        .isEqualTo("photogpj.exe");
    assertThat(DisplayName.of("\u202e\u200b", "share").text()).isEqualTo("share");
  }

  @Test
  void separatorsOfLinesAndLoneSurrogatesAreMarked() {
    assertThat(DisplayName.of("a\u2028b\u2029c\ud800d\ue000e", "x").text()).isEqualTo("a?b?c?d?e");
    assertThat(DisplayName.of("a\u00a0b\u3000c", "x").text()).isEqualTo("a b c");
  }

  @Test
  void aNameIsCutBetweenCharacters() {
    assertThat(DisplayName.of("a".repeat(129), "x").text()).isEqualTo("a".repeat(128));
    assertThat(DisplayName.of("ab" + "😀".repeat(40), "x").text())
        .isEqualTo("ab" + "😀".repeat(31));
    assertThat(DisplayName.of("a".repeat(127) + " b", "x").text()).isEqualTo("a".repeat(127));
  }

  @Test
  void anUnfitNameOrFallbackIsRefused() {
    assertThatThrownBy(() -> new DisplayName("-a")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new DisplayName("")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> DisplayName.of("", "")).isInstanceOf(IllegalArgumentException.class);
  }

  @Property
  void anyTextBecomesAFolderName(@ForAll @From("texts") String given) {
    String text = DisplayName.of(given, "share").text();
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    assertThat(bytes).hasSizeBetween(1, 128);
    assertThat(EntryName.isValid(bytes)).isTrue();
    assertThat(text).doesNotStartWith("-").doesNotStartWith(".").isEqualTo(text.strip());
    assertThat(text.codePoints()).noneMatch(Character::isISOControl);
    assertThat(new String(bytes, StandardCharsets.UTF_8)).isEqualTo(text);
    assertThat(DisplayName.of(text, "other").text()).isEqualTo(text);
  }

  @Provide
  Arbitrary<String> texts() {
    return Arbitraries.oneOf(
        Arbitraries.strings().all().ofMaxLength(200),
        Arbitraries.strings().withChars(" -./a\n\u202e\ud83d\ude00é").ofMaxLength(200));
  }
}
