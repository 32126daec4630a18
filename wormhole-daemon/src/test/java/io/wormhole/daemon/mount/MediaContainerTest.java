package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MediaContainerTest {
  private static boolean isCalled(String name) {
    return MediaContainer.isCalled(name.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.mov", "A001_C002.MXF", "x.tar.Mp4", "\u00e9t\u00e9.mkv", "a b.webm"})
  void films(String name) {
    assertThat(isCalled(name)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"mov", ".mov", "a.mov.part", "a.mo", "a.", "", ".", "movie", "a.exr"})
  void others(String name) {
    assertThat(isCalled(name)).isFalse();
  }
}
