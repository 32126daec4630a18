package io.wormhole.daemon.host;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.protocol.wire.Limits;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ExcludeGlobsTest {
  private static boolean excludes(String path, String... patterns) throws ShareException {
    boolean folder = path.endsWith("/");
    byte[] bytes = path.substring(0, path.length() - (folder ? 1 : 0)).getBytes(UTF_8);
    return ExcludeGlobs.of(List.of(patterns)).excludes(bytes, folder);
  }

  @Test
  void nameWithoutASlashIsExcludedAtEveryDepth() throws Exception {
    assertThat(excludes("id.key", "*.key")).isTrue();
    assertThat(excludes("a/b/id.key", "*.key")).isTrue();
    assertThat(excludes("a/id.key/b", "*.key")).isTrue();
    assertThat(excludes("id.keys", "*.key")).isFalse();
  }

  @Test
  void slashInFrontOrWithinAnchors() throws Exception {
    assertThat(excludes("build", "/build")).isTrue();
    assertThat(excludes("a/build", "/build")).isFalse();
    assertThat(excludes("a/b", "a/b")).isTrue();
    assertThat(excludes("x/a/b", "a/b")).isFalse();
    assertThat(excludes("x/a/b", "**/a/b")).isTrue();
    assertThat(excludes("a/x/y/b", "a/**/b")).isTrue();
    assertThat(excludes("a/b", "a/**/b")).isTrue();
    assertThat(excludes("a/", "a/**")).isFalse();
    assertThat(excludes("a/b/c", "a/**")).isTrue();
  }

  @Test
  void slashAtTheEndIsForFolders() throws Exception {
    assertThat(excludes("secret/", "secret/")).isTrue();
    assertThat(excludes("secret", "secret/")).isFalse();
    assertThat(excludes("secret/below", "secret/")).isTrue();
  }

  @Test
  void lastMatchWinsAndNothingBelowAnExcludedFolderComesBack() throws Exception {
    assertThat(excludes("keep.key", "*.key", "!keep.key")).isFalse();
    assertThat(excludes("keep.key", "!keep.key", "*.key")).isTrue();
    assertThat(excludes("private/keep.key", "private", "!keep.key")).isTrue();
    assertThat(excludes("!a", "\\!a")).isTrue();
  }

  @Test
  void bytesAreMatchedWhateverTheyAre() throws Exception {
    ExcludeGlobs globs = ExcludeGlobs.of(List.of("x?y", "\u00e9"));
    assertThat(globs.excludes(new byte[] {'x', (byte) 0xff, 'y'}, false)).isTrue();
    assertThat(globs.excludes("\u00e9".getBytes(UTF_8), false)).isTrue();
    assertThat(globs.excludes("\u00e9".getBytes(ISO_8859_1), false)).isFalse();
    assertThat(globs.excludes("x\u00e9y".getBytes(UTF_8), false)).as("two bytes").isFalse();
  }

  @Test
  void rootIsNeverExcluded() throws Exception {
    assertThat(ExcludeGlobs.of(List.of("*", "/**")).excludes(new byte[0], true)).isFalse();
  }

  @Test
  void patternThatMatchesNothingIsRefused() {
    for (String pattern :
        List.of(
            "",
            "!",
            "/",
            "!/",
            "a//b",
            "//a",
            "a//",
            "[ab",
            "[b-a]",
            "[/]",
            "a\\",
            "a\\/",
            "[[:odd:]]",
            "\uFFFD",
            "\uD800",
            "a\0b")) {
      assertThatThrownBy(() -> ExcludeGlob.parse(pattern))
          .as(pattern)
          .isInstanceOfSatisfying(
              ShareException.class,
              refused -> assertThat(refused.kind()).isEqualTo(ShareException.Kind.BAD_EXCLUDE));
    }
  }

  @Test
  void lengthAndNumberAreBounded() throws Exception {
    ExcludeGlob.parse("x".repeat(ExcludeGlob.MAX_BYTES));
    assertThatThrownBy(() -> ExcludeGlob.parse("x".repeat(ExcludeGlob.MAX_BYTES + 1)))
        .isInstanceOf(ShareException.class);
    ExcludeGlobs.of(Collections.nCopies(ExcludeGlobs.MAX_GLOBS, "a"));
    assertThatThrownBy(() -> ExcludeGlobs.of(Collections.nCopies(ExcludeGlobs.MAX_GLOBS + 1, "a")))
        .isInstanceOf(ShareException.class);
  }

  /** A matcher that tries one star after the other would not come back from this. */
  @Test
  void worstPatternAndPathAreMatchedInOneStepForEachByte() throws Exception {
    String pattern = "a*".repeat(ExcludeGlob.MAX_BYTES / 2 - 1) + "b";
    String deep = "**/a*/".repeat(ExcludeGlob.MAX_BYTES / 6) + "b";
    ExcludeGlobs globs = ExcludeGlobs.of(List.of(pattern, deep));
    byte[] name = "a".repeat(Limits.NAME_BYTES).getBytes(UTF_8);
    byte[] path = "a/".repeat(Limits.PATH_BYTES / 2).getBytes(UTF_8);
    for (int i = 0; i < 100; i++) {
      assertThat(globs.excludes(name, false)).isFalse();
      assertThat(globs.excludes(path, false)).isFalse();
    }
  }

  @Test
  void patternOverManyWordsOfStatesIsMatchedAcrossTheirBorders() throws Exception {
    for (int length = 60; length < 200; length++) {
      String name = "x".repeat(length);
      assertThat(excludes(name, "x".repeat(length))).isTrue();
      assertThat(excludes(name, "x".repeat(length - 1) + "?")).isTrue();
      assertThat(excludes(name, "x".repeat(length - 1))).isFalse();
      assertThat(excludes(name + "/y", "/" + "x".repeat(length) + "/**/y")).isTrue();
      assertThat(excludes(name + "/z/y", "/" + "x".repeat(length) + "/**/y")).isTrue();
    }
  }
}
