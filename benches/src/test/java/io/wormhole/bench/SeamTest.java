package io.wormhole.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs {@code benches/seam} with little data, so that it does not rot; says nothing about speed.
 */
class SeamTest {
  private static final long LIMIT_SECONDS = 300;

  @TempDir Path folder;

  @Test
  void everyLoadRunsOnEveryServerAndNothingIsLeft() throws Exception {
    needs("test $(id -u) -eq 0", "root");
    needs("test -c /dev/fuse", "/dev/fuse");
    needs("command -v fio", "fio");
    needs("command -v gcc", "gcc");
    needs("pkg-config --exists 'fuse3 >= 3.12'", "libfuse3-dev, 3.12 or newer, and pkg-config");
    needs("ldconfig -p | grep -q 'libfuse[.]so[.]2'", "libfuse2");

    Path output = folder.resolve("output");
    Path temporary = Files.createDirectory(folder.resolve("temporary")).toRealPath();
    ProcessBuilder seam =
        new ProcessBuilder(
                "./seam", "--quick", "--classpath", System.getProperty("java.class.path"))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    seam.environment().put("JAVA_HOME", System.getProperty("java.home"));
    seam.environment().put("TMPDIR", temporary.toString());
    assertThat(exit(seam, LIMIT_SECONDS)).as(() -> text(output)).isZero();

    List<String> rows = text(output).lines().filter(line -> line.startsWith("| ")).skip(1).toList();
    assertThat(rows).as(text(output)).hasSize(14);
    // No load finds nothing; only another mount may come to no memory at all.
    assertThat(rows.subList(0, 13))
        .allMatch(row -> figure(row, 2) > 0)
        .allMatch(row -> figure(row, 3) > 0)
        .allMatch(row -> figure(row, 5) > 0);
    assertThat(rows.get(13)).startsWith("| one more idle mount, MB | – | ");
    assertThat(temporary).isEmptyDirectory();
    assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(temporary.toString());
  }

  private static double figure(String row, int column) {
    return Double.parseDouble(row.split("\\|", -1)[column]);
  }

  private static void needs(String test, String what) throws Exception {
    ProcessBuilder shell =
        new ProcessBuilder("bash", "-c", test)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    if (exit(shell, 10) != 0) {
      System.err.println("SKIPPED, NOT TESTED: benches/seam: this machine lacks " + what);
      Assumptions.abort("this machine lacks " + what);
    }
  }

  /** The exit code; a script that does not end is asked to clean up, and fails. */
  private static int exit(ProcessBuilder command, long limitSeconds)
      throws IOException, InterruptedException {
    Process process = command.start();
    try {
      if (!process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
        throw new AssertionError(command.command() + " took more than " + limitSeconds + " s");
      }
      return process.exitValue();
    } finally {
      process.destroy();
      process.waitFor(30, TimeUnit.SECONDS);
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
