package io.wormhole.protocol.name;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LinkTargetTest {
  @ParameterizedTest
  @CsvSource({
    "a, 0",
    "a/b/c, 0",
    "a/, 0",
    "a//b, 0",
    "., 0",
    "./, 0",
    "./a, 0",
    "a/./b, 0",
    "a/., 0",
    "..., 0",
    "..a, 0",
    "a../b, 0",
    ".a, 0",
    ".., 1",
    "../, 1",
    "../., 1",
    "../a, 1",
    "./../a, 1",
    ".//..//a, 1",
    "../.././a, 2",
    "../../../a, 3",
    "../../a/b/, 5"
  })
  void linksThatStayInTheShareAreShown(String target, int depth) {
    assertThat(shown(target, depth)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "/, 0",
    "/a, 5",
    "//a, 5",
    "/.., 5",
    "'', 0",
    "'', 5",
    ".., 0",
    "../, 0",
    "../a, 0",
    "./.., 0",
    "../.., 1",
    "../../../a, 2",
    "a/.., 0",
    "a/.., 5",
    "a/../b, 5",
    "a/../, 5",
    "a//../b, 5",
    "a/./../b, 5",
    "../a/.., 5",
    "../a/../.., 9"
  })
  void linksThatMayLeaveTheShareAreNot(String target, int depth) {
    assertThat(shown(target, depth)).isFalse();
  }

  @Test
  void aLinkWithANulIsNotShown() {
    assertThat(shown("a\0b", 0)).isFalse();
    assertThat(shown("\0", 0)).isFalse();
    assertThat(shown("a/\0", 0)).isFalse();
  }

  @Test
  void aTargetEndsAt4095Bytes() {
    assertThat(shown("a".repeat(4095), 0)).isTrue();
    assertThat(shown("a".repeat(4096), 0)).isFalse();
  }

  @Test
  void bytesThatAreNoUtf8AreShown() {
    assertThat(LinkTarget.isShown(new byte[] {(byte) 0xff, '/', (byte) 0x80}, 0)).isTrue();
  }

  @Test
  void aDepthBelowTheRootIsRefused() {
    assertThatThrownBy(() -> shown("a", -1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Property
  void whatIsShownResolvesInsideTheShare(
      @ForAll @Size(max = 12) List<@From("components") String> components,
      @ForAll @IntRange(max = 4) int depth) {
    String target = String.join("/", components);
    if (shown(target, depth)) {
      Path share = Path.of("/share");
      Path folder = share.resolve("d/".repeat(depth));
      assertThat(folder.resolve(target).normalize()).startsWithRaw(share);
      int lastParent = components.lastIndexOf("..");
      assertThat(components.subList(0, lastParent + 1)).isSubsetOf("..", ".", "");
    }
  }

  @Property
  void dotsAndRepeatedSeparatorsMakeNoDifference(
      @ForAll @Size(min = 1, max = 8) List<@From("components") String> components,
      @ForAll @IntRange(max = 4) int depth) {
    String target = "./" + String.join("/", components);
    String padded = "./" + String.join("/.//", components) + "/./";
    assertThat(shown(padded, depth)).isEqualTo(shown(target, depth));
  }

  @Provide
  Arbitrary<String> components() {
    return Arbitraries.of("..", "..", "..", ".", "", "a", "b", "...");
  }

  private static boolean shown(String target, int depth) {
    return LinkTarget.isShown(target.getBytes(StandardCharsets.UTF_8), depth);
  }
}
