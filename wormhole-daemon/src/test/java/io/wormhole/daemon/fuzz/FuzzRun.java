package io.wormhole.daemon.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.fuzz.FuzzTargets.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs Jazzer on each target for {@code fuzz.seconds}, in a process of its own, from the corpus;
 * {@code fuzz.targets} names those that are meant, and {@code fuzz.keep} writes what is worth
 * keeping back. Not one of the tests: {@code -Pfuzz} runs it.
 */
class FuzzRun {
  private static final String JAZZER = "com.code_intelligence.jazzer.Jazzer";
  private static final long SECONDS = Long.getLong("fuzz.seconds", 60);
  private static final String MEANT = System.getProperty("fuzz.targets", "");

  static Stream<Target> targets() {
    return FuzzTargets.all().stream()
        .filter(target -> MEANT.isEmpty() || List.of(MEANT.split(",", -1)).contains(target.name()));
  }

  @ParameterizedTest
  @MethodSource("targets")
  void findsNothing(Target target) throws Exception {
    Path work = Path.of("target", "fuzz", target.name()).toAbsolutePath();
    Path corpus = Files.createDirectories(work.resolve("corpus"));
    for (byte[] input : Corpus.of(target)) {
      int name = java.util.Arrays.hashCode(input);
      Files.write(corpus.resolve(HexFormat.of().toHexDigits(name)), input);
    }
    List<String> command =
        jazzer(target, "-max_total_time=" + SECONDS, "-rss_limit_mb=4096", "-timeout=60");
    command.add("-artifact_prefix=" + work + "/");
    command.add(corpus.toString());
    int exit = run(command, work.resolve("log"), SECONDS + 300);
    if (Boolean.getBoolean("fuzz.keep")) {
      Path merged = Files.createDirectories(work.resolve("merged"));
      List<String> merge = jazzer(target, "-merge=1");
      merge.add(merged.toString());
      merge.add(corpus.toString());
      assertThat(run(merge, work.resolve("merge-log"), 600)).isZero();
      Corpus.keep(target, merged);
    }
    assertThat(exit).as("see %s", work.resolve("log")).isZero();
  }

  private static List<String> jazzer(Target target, String... options) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "nice",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "--add-modules=jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                JAZZER,
                "--target_class=" + target.type().getName(),
                "--instrumentation_includes=io.wormhole.**"));
    command.addAll(List.of(options));
    return command;
  }

  private static int run(List<String> command, Path log, long seconds)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .directory(log.getParent().toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      assertThat(process.waitFor(seconds, TimeUnit.SECONDS)).as("%s ends", command).isTrue();
      return process.exitValue();
    } finally {
      process.destroyForcibly();
    }
  }
}
