package io.wormhole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DaemonStarterTest {
  @TempDir Path lib;
  private String classPath = "";

  @BeforeEach
  void fill() {
    classPath = lib.resolve("a.jar") + File.pathSeparator + lib.resolve("b.jar");
  }

  @Test
  void vectorsWhereTheBuildLeftNoCache() {
    assertThat(DaemonStarter.startOptions(Map.of(), classPath))
        .containsExactly("--add-modules=jdk.incubator.vector");
  }

  @Test
  void cacheBesideTheJarsWithoutVectors() throws IOException {
    Path cache = Files.createFile(lib.resolve("daemon.aot"));
    assertThat(DaemonStarter.startOptions(Map.of(), classPath))
        .startsWith("-XX:AOTCache=" + cache)
        .noneMatch(option -> option.contains("incubator"));
  }

  @Test
  void whatTheEnvironmentSaysGoesFirst() throws IOException {
    Files.createFile(lib.resolve("daemon.aot"));
    assertThat(
            DaemonStarter.startOptions(
                Map.of("WORMHOLE_DAEMON_OPTIONS", "-Done=1 2\n\n-Dtwo\n"), classPath))
        .containsExactly("-Done=1 2", "-Dtwo");
  }
}
